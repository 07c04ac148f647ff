"""A node of ours, before anything is known of where it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from archipelago.model.record import ExternalNode
from archipelago.model.volume import Volume
from archipelago.settings.models import NodeSettings

Settings_co = TypeVar("Settings_co", bound=NodeSettings, covariant=True)


@dataclass(frozen=True, slots=True)
class Node(Generic[Settings_co]):
    """One node of this organisation: what was written about it, and who it is.

    Args:
        settings: Its part of the stack file.
        record: Its public half, without endpoints.
        private_files: Its private half, by file name.
        file_format: How those are written; counted up where another way to write the same keys would restart nodes.
    """

    settings: Settings_co
    record: ExternalNode
    private_files: Mapping[str, str] = field(repr=False)
    file_format: int = 1

    @property
    def name(self) -> str:
        """Its name, unique in its organisation."""
        return self.record.name

    @property
    def volume(self) -> Volume:
        """Where its data is kept."""
        storage = self.settings.storage
        return Volume(storage.size, storage.storage_class, storage.claim or "", storage.place)
