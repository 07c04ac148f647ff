"""What a lab keeps about itself in `lab.json`: its profile, its clusters, and the ports that were chosen for them."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from lab.errors import LabError
from lab.files import write_whole

NAMES = "abcdefgh"
"""Clusters are named by letters, in this order."""


class ClusterState(BaseModel):
    """One cluster of a lab: the ports that were chosen for it on 127.0.0.1, by what they are for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ports: dict[str, int]


class LabState(BaseModel):
    """Everything that has to be the same at the next start. What runs is not among it: `/proc` knows better.

    Args:
        version: of this file.
        profile: the kind of clusters.
        clusters: the clusters by name.
        network: number of the lab's own network; None for a profile that has none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    profile: str
    clusters: dict[str, ClusterState]
    network: int | None = None


def read(folder: Path) -> LabState | None:
    """The state of a lab; None for a folder that holds no lab yet.

    Raises:
        LabError: the file is there and cannot be understood.
    """
    file = folder / "lab.json"
    try:
        return LabState.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise LabError(
            f"{file} was not written by this version of the lab. "
            f"Start afresh with: archipelago lab down --purge --dir {folder}"
        ) from error


def write(folder: Path, state: LabState) -> None:
    """Keep the state of a lab."""
    write_whole(folder / "lab.json", state.model_dump_json(indent=2) + "\n")
