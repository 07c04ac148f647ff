"""Whose bundles a stack reads: those of partners, and of other stacks of its own organisation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from archipelago.identity.curve25519 import signer
from archipelago.identity.derive import SIGNING, Keyring
from archipelago.settings.partner import Partner
from archipelago.settings.types import SEALED


class Sources:
    """What `StackSettings` knows of them."""

    if TYPE_CHECKING:  # its fields
        identity_seed: Any
        organisation: Any
        network: Any
        nodes: Any
        partners: Any
        siblings: Any

        @property
        def seed(self) -> bytes:
            """The seed's 32 bytes."""

        def model_copy(self) -> Self:
            """A copy."""

    @cached_property
    def sources(self) -> Mapping[str, Partner]:
        """Whose bundles are read, by name: those of partners, and of siblings under our own signing key."""
        return self.partners if not self.siblings else self._read_under(self._signer())

    def _read_under(self, key: str | None) -> dict[str, Partner]:
        return {**self.partners, **{name: each.read_as(key) for name, each in self.siblings.items()}}

    def _signer(self) -> str | None:
        if self.identity_seed.get_secret_value() == SEALED:
            return None
        return signer(Keyring(self.seed, self.organisation, self.network.name).secret("", SIGNING))

    def signed_by(self, key: str | None) -> Self:
        """These settings where the seed is sealed: siblings are known by the key that our own outputs name.

        Args:
            key: Our signing key.
        """
        if not self.siblings or self._signer():
            return self
        made = self.model_copy()
        made.__dict__["sources"] = self._read_under(key)
        return made

    def organisation_of(self, source: str) -> str:
        """Whose nodes a source hands over."""
        return self.organisation if source in self.siblings else source

    def knows(self, organisation: str, node: str) -> bool:
        """Whether a node may be one that a partner or a sibling gives.

        Args:
            organisation: Whose it is.
            node: Its name.
        """
        if organisation == self.organisation:
            return bool(self.siblings and node) and node not in self.nodes
        return bool(node) and organisation in self.partners

    def path_of_source(self, source: str) -> str:
        """Where a partner or a sibling stands in the stack file, for messages."""
        return f"{'siblings' if source in self.siblings else 'partners'}.{source}"
