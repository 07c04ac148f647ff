"""How those who work on a lab tell what happens."""

from __future__ import annotations

from collections.abc import Callable

Say = Callable[[str], None]
"""Told what happens, a line at a time."""
