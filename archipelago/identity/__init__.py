"""Keys: derived from one seed, never rolled, so that a reinstall gives the same node."""
