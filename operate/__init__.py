"""What talks to running clusters and networks; the pure core never does."""
