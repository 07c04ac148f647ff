"""Releases of GoQuorum and Tessera, compared as numbers: as text 21.10 comes before 21.7."""

from __future__ import annotations

Release = tuple[int, ...]

OLDEST = (2, 7, 0)
QBFT_EXISTS = (21, 7, 0)  # config.istanbul.testQBFTBlock
# config.qbft and config.ibft with periods in the genesis;
# 22.4.0 and 22.4.1 take its requesttimeoutseconds for milliseconds
QBFT_BLOCKS_NAMED = (22, 4, 2)
HTTP_FLAGS = (21, 4, 0)  # --http.*, and --ptm.* instead of PRIVATE_CONFIG
WS_FLAGS = (22, 1, 0)  # --ws.* instead of --wsaddr, --wsport, --wsapi, --wsorigins
OLDEST_TESSERA = (0, 10, 6)
TESSERA_LAUNCHER = (21, 7, 0)  # the image has /tessera/bin/tessera instead of /tessera/tessera-app.jar
PRIVACY_ENHANCEMENTS = (1, 0, 0)


def release(version: str) -> Release:
    """A version that settings have accepted, three numbers at least."""
    numbers = tuple(int(part) for part in version.split("."))
    return numbers + (0,) * (3 - len(numbers))
