"""IPFS: private swarms of kubo, for members of several organisations."""
