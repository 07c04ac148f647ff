"""What all layers share."""

from __future__ import annotations

import gc

import pytest
from hypothesis import settings

from lab.processes import take_interrupts
from tests import labs

# a busy machine is no bug; 60 examples a property keep a whole layer within seconds
settings.register_profile("archipelago", deadline=None, max_examples=60)
settings.load_profile("archipelago")


def pytest_configure(config: pytest.Config) -> None:
    """Before any worker starts."""
    take_interrupts()
    labs.prepare()


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: no use in looking through it a hundred times."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def pytest_unconfigure(config: pytest.Config) -> None:
    """After every worker has ended."""
    labs.clear()
