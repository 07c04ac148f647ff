"""Write the golden files anew: `python -m tests.golden.update`. Read the diff before you commit it."""

from __future__ import annotations

import sys

from tests.golden.examples import GOLDEN, files, kept


def main() -> None:
    """Write what is new or changed, remove what is gone, and say which."""
    before, after = kept(), dict(files())
    for path in sorted(before.keys() - after.keys()):
        (GOLDEN / path).unlink()
        sys.stdout.write(f"removed {path}\n")
    for path, content in sorted(after.items()):
        if before.get(path) != content:
            (GOLDEN / path).parent.mkdir(exist_ok=True)
            (GOLDEN / path).write_text(content)
            sys.stdout.write(f"{'changed' if path in before else 'added'} {path}\n")


if __name__ == "__main__":
    main()
