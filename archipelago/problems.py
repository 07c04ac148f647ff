"""Problems a user can cause, and the one exception that carries them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from archipelago.foreign_text import NEWLINE, safe


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong with what a user wrote, or with what a partner sent.

    Args:
        path: Where it stands in the stack file, as `nodes.quorum-node2.exposure.ports.p2p`; empty for the file itself.
        message: What is wrong, one sentence.
        cure: What to type or change next, one sentence.
    """

    path: str
    message: str
    cure: str

    def text(self, source: str) -> str:
        """The problem as a user reads it.

        Args:
            source: The stack file's name, as `Pulumi.cluster-b.yaml`.
        """
        # a key of another namespace has its own
        named = self.path if self.path.startswith("kubernetes:") else f"archipelago:{self.path}"
        place = f"{source}: {named}" if self.path else source
        return f"{safe(place)}: {safe(self.message)}\n  {safe(self.cure, NEWLINE)}"


class Refused(Exception):  # noqa: N818 - it is a refusal, and reads as one: `except Refused`
    """Raised before anything is touched, with every problem found.

    Args:
        problems: At least one.
        source: The stack file's name.
    """

    def __init__(self, problems: Iterable[Problem], source: str) -> None:
        self.problems = tuple(sorted(set(problems)))
        self.source = source
        super().__init__("\n".join(problem.text(source) for problem in self.problems))
