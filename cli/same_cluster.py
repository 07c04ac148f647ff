"""Whether a stack's context still leads to its cluster: what is missing in another one was never there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archipelago.problems import Refused
from archipelago.settings.read import Settings
from archipelago.stack.ownership import Met, another_cluster
from cli import consoles
from cli.deployed import ask
from cli.engine import is_there
from cli.stacks import StackFile
from operate.kubectl import Access, Failed
from operate.site import Seen


def check(file: StackFile, settings: Settings, told: Mapping[str, Any], access: Access) -> None:
    """Refuse another cluster than the one that the stack's outputs or its file name, in the words of `pulumi up`.

    Args:
        file: The stack.
        settings: What it says.
        told: Its outputs; those of older programs name no cluster.
        access: The cluster that its context leads to.

    Raises:
        Refused: It is another one.
    """
    if not settings.cluster.uid and not (told.get("cluster") or {}).get("uid"):
        return
    try:
        met = Met(access.uid(), settings.cluster.context)
    except Failed as error:
        consoles.note(f"{file.stack}: its cluster does not tell which one it is: {error}")
        return
    if problem := another_cluster(told, settings.cluster, met):
        raise Refused([problem], file.source)


def check_missing(stacks: Sequence[tuple[StackFile, Settings]], seen: Sequence[Seen]) -> None:
    """The same for stacks that miss a pod, as far as pulumi is at hand to give their outputs.

    Args:
        stacks: Files and settings.
        seen: Their nodes, looked at.

    Raises:
        Refused: One of them is asked in another cluster.
    """
    for file, settings in stacks:
        missing = next((each for each in seen if each.site.stack == file.stack and each.pod is None), None)
        if missing:
            check(file, settings, _outputs(file), missing.site.access)


def _outputs(file: StackFile) -> dict[str, Any]:
    try:
        return ask(file) if is_there() else {}
    except Refused:
        return {}  # status needs no outputs; verify says what is wrong with them
