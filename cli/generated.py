"""Files of the repository that follow from the code: `python -m cli.generated` writes them, a test compares them."""

from __future__ import annotations

from pathlib import Path

from archipelago.chains.registry import CHAINS
from archipelago.settings.reference import refreshed
from archipelago.settings.schema import schema
from cli import consoles
from cli.drawing import Drawing
from cli.picture import demo_seed, picture_of, svg_of
from cli.schema import schema_text
from cli.stacks import find

ROOT = Path(__file__).parent.parent
SCHEMA = Path("schema/stack.schema.json")
REFERENCE = Path("docs/stack-files.md")
PICTURE = Path("docs/picture.svg")


def generated() -> dict[Path, str]:
    """Every generated file of the repository, by its path there."""
    files = find((), ROOT)
    drawing = Drawing(picture_of(files, [demo_seed(file) for file in files]))
    return {
        SCHEMA: schema_text(),
        REFERENCE: refreshed((ROOT / REFERENCE).read_text(), schema(CHAINS)),
        PICTURE: svg_of(drawing),
    }


def main() -> None:
    """Write them."""
    for path, text in generated().items():
        if not (ROOT / path).exists() or (ROOT / path).read_text() != text:
            (ROOT / path).parent.mkdir(exist_ok=True)
            (ROOT / path).write_text(text)
            consoles.note(f"wrote {path}")


if __name__ == "__main__":
    main()
