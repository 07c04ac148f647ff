"""GoQuorum with IBFT or QBFT, with or without Tessera."""
