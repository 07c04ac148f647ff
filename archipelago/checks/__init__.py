"""Findings over a model, whatever the protocol."""
