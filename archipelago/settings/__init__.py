"""What a stack file may say, and clear words for what it may not."""
