"""The `archipelago` command: thin, over the core."""
