"""What most protocols have in common: a founder makes the genesis, and organisations share no secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archipelago.chains.contract import Ask, Genesis, Site
from archipelago.chains.node import Node
from archipelago.chains.peer_limits import PeerLimits
from archipelago.chains.running import Running
from archipelago.chains.shared import NOTHING_SHARED, Shared
from archipelago.identity.derive import Keyring
from archipelago.settings.read import Settings


class Founded:
    """The words of `Chain` that such a protocol has nothing to say to."""

    seals = False
    peer_limits: PeerLimits | None = None
    profiles = False
    running: Running

    def earlier(self, keyring: Keyring, node: Node[Any], file_format: int) -> Node[Any]:  # noqa: ARG002
        """The node as it is: its files were written in one way only."""
        return node

    def asks(self, settings: Settings) -> tuple[Ask, ...]:  # noqa: ARG002
        """Nothing: its plan is the same in every cluster."""
        return ()

    def agreed(self, settings: Settings) -> None:
        """Nothing: the founder makes the genesis."""

    def shared(
        self,
        settings: Settings,  # noqa: ARG002
        keyring: Keyring,  # noqa: ARG002
        site: Site,  # noqa: ARG002
        received: Mapping[str, Mapping[str, bytes]],  # noqa: ARG002
    ) -> Shared:
        """Nothing."""
        return NOTHING_SHARED

    def bears(self, settings: Settings, validators: int) -> int:  # noqa: ARG002
        """Those that its quorum does without."""
        return max(0, validators - self.running.quorum(validators))

    def beside(self, settings: Settings, genesis: Genesis, known: Mapping[str, int]) -> Mapping[str, int]:  # noqa: ARG002
        """Nothing: its genesis says all."""
        return {}

    def monitor(self, settings: Settings, nodes: Mapping[str, Node[Any]]) -> None:
        """Nobody watches its nodes but their own processes."""

    def equipped(self, settings: Settings, node: Node[Any], shared: Shared) -> Node[Any]:  # noqa: ARG002
        """The node as it is."""
        return node
