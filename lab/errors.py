"""The one kind of error that a user of the lab is meant to read."""

from __future__ import annotations


class LabError(Exception):
    """Something that a user can cause or cure: its text ends in what to type or do next."""
