"""How a text that another party wrote is shown: escaped, and cut."""

from __future__ import annotations

NEWLINE = "\n"
_QUOTED = 80  # characters of a text that a message quotes


def is_shown(text: str) -> bool:
    """Whether a terminal shows a text as it is: characters that control it or turn the direction are not printable."""
    return text.isprintable()


def safe(text: str, kept: str = "") -> str:
    """A text for a terminal, with escapes in the place of the characters that are not printable.

    Args:
        text: It may quote what another party wrote.
        kept: Characters that stay as they are, as a newline.
    """
    return text if is_shown(text) else "".join(c if c.isprintable() or c in kept else ascii(c)[1:-1] for c in text)


def shown(text: object, longest: int = _QUOTED) -> str:
    """A text of another party as a message quotes it: in quotes, escaped, and cut.

    Args:
        text: What it gave.
        longest: Characters that are kept.
    """
    plain = str(text)
    cut = plain[:longest]
    return (repr(cut) if is_shown(cut) else ascii(cut)) + ("…" if len(plain) > longest else "")


def quoted(text: object, longest: int = _QUOTED) -> str:
    """A name of another party in a message: as it is where that is short and printable, else as `shown`."""
    plain = str(text)
    return plain if is_shown(plain) and len(plain) <= longest else shown(plain, longest)
