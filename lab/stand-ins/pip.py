"""A stand-in for pip in the lab: `python -m pip list -v --format json`, and nothing else.

`pulumi`'s language host asks for this list in each run, to find plugins. pip takes up to half a second of CPU for it.
This module is found before pip, by PYTHONPATH. It looks at the environment's packages; pip also looks at the user's.
"""

import json
import site
import sys
from itertools import takewhile
from pathlib import Path

_LIST = ["list", "-v", "--format", "json"]


def installed() -> list[dict[str, str]]:
    """Name, version and location of each package, as pip prints them.

    Raises:
        OSError: A package is installed without METADATA.
    """
    found = []
    for location in site.getsitepackages():
        for folder in Path(location).glob("*.dist-info"):
            with (folder / "METADATA").open(encoding="utf-8") as metadata:
                head = dict(line.strip().split(": ", 1) for line in takewhile(str.strip, metadata) if ": " in line)
            found.append({"name": head["Name"], "version": head["Version"], "location": location})
    return found


if __name__ == "__main__":
    if sys.argv[1:] != _LIST:
        sys.exit(f"the lab's stand-in for pip answers {' '.join(_LIST)!r} alone, got {' '.join(sys.argv[1:])!r}")
    json.dump(installed(), sys.stdout)
