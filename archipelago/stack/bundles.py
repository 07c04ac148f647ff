"""What a stack hands over: in its outputs, or in a file with the same keys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archipelago.foreign_text import quoted
from archipelago.model import foreign
from archipelago.model.record import SCHEMA
from archipelago.model.texts import LONGEST
from archipelago.problems import Problem, Refused
from archipelago.settings.read import Settings

PROFILES = ("profiles", "relayedProfiles")  # own ones, and those of others
SIBLING_NODES = "siblingNodes"  # of the organisation's other stacks
UNREADABLE = "unreadable"  # in the place of a bundle: why its file or its stack cannot be read


def bundle_of(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The bundle in a stack's outputs; the same keys as a file has, so that one signature serves both."""
    identities = outputs.get("identities")
    if not isinstance(identities, Mapping):  # nothing yet, or no stack of this program
        identities = {}
    sealed = {"sealingKey": identities.get("sealingKey"), "sealed": outputs.get("sealed")}
    return {
        "schema": identities.get("schema", SCHEMA),
        "organisation": identities.get("organisation", ""),
        "key": identities.get("key", ""),
        "signature": identities.get("signature", ""),
        "network": outputs.get("network"),
        "externalNodes": outputs.get("externalNodes", []),
        **{key: value for key, value in sealed.items() if value is not None},
        **{key: outputs[key] for key in (*PROFILES, SIBLING_NODES) if outputs.get(key) is not None},
    }


def read_files(settings: Settings, root: Path, source: str) -> dict[str, dict[str, Any] | None]:
    """The bundles that partners sent as files, by partner; None for an optional one that is not there yet.

    A file that is no bundle is a wrong word of that partner: it is told by `accept`, as everything that is wrong.

    Args:
        settings: Ours.
        root: The project's folder, where their paths start.
        source: The stack file's name, for messages.

    Raises:
        Refused: A required file is missing.
    """
    found: dict[str, dict[str, Any] | None] = {}
    problems = []
    for name, partner in settings.sources.items():
        if partner.file is None:
            continue
        try:
            found[name] = read_file(root / partner.file)
        except FileNotFoundError:
            found[name] = None
            if partner.required:
                cure = (
                    f"Ask {name} for the file that `archipelago export` writes, or set required: false until it comes."
                )
                at = f"{settings.path_of_source(name)}.file"
                problems.append(Problem(at, f"there is no file {(root / partner.file).absolute()}.", cure))
        except (OSError, ValueError) as error:
            found[name] = {UNREADABLE: f"{partner.file} is no bundle: {quoted(error, LONGEST)}"}
    if problems:
        raise Refused(problems, source)
    return found


def read_file(path: Path) -> dict[str, Any]:
    """A bundle from a file: what `archipelago export` wrote, or `pulumi stack output --json`.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no JSON object.
    """
    raw = foreign.read(path)
    if not isinstance(raw, dict):
        raise ValueError("it is no JSON object")
    return bundle_of(raw) if "identities" in raw else raw
