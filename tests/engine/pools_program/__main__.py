"""The real program, which also knows the tests' own kind of network (`tests/pools.py`)."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]
sys.path.insert(0, str(CHECKOUT))


def main() -> None:
    """Add the kind and run `__main__.py`."""
    from archipelago.chains.registry import CHAINS  # noqa: PLC0415 - found by the path above
    from tests.pools import KIND, Pooled  # noqa: PLC0415

    CHAINS[KIND] = Pooled()
    runpy.run_path(str(CHECKOUT / "__main__.py"), run_name="__main__")


main()
