"""Follow all objects of one kind, for ever, whatever happens to the API server meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from lightkube import AsyncClient
from lightkube.core.resource import GlobalResource, NamespacedResource

_AGAIN_AFTER = 1.0
_log = logging.getLogger(__name__)

Kind = TypeVar("Kind", bound=NamespacedResource | GlobalResource)
Told_contra = TypeVar("Told_contra", contravariant=True)


class Follower(Protocol[Told_contra]):
    """What a controller does with the objects that it follows."""

    def start(self, present: Sequence[Told_contra]) -> None:
        """All objects there are, told first and again after every interruption."""

    async def change(self, thing: Told_contra, *, deleted: bool) -> None:
        """One object was made, changed or deleted."""


async def follow(client: AsyncClient, kind: type[Kind], follower: Follower[Kind]) -> None:
    """Tell a follower every object of a kind in all namespaces, and every change; never returns.

    A watch that breaks, or a follower that fails (a conflict, an API server that goes away), starts over with the list,
    so a follower only has to be right about what it sees.

    Args:
        client: how the API server is reached.
        kind: the kind of the objects.
        follower: told about them.
    """
    while True:
        try:
            await _follow_once(client, kind, follower)
        except Exception as error:  # the loop is what heals, whatever it was
            _log.warning("%s: %s: %s", kind.__name__, type(error).__name__, error)
        await asyncio.sleep(_AGAIN_AFTER)


async def _follow_once(client: AsyncClient, kind: type[Kind], follower: Follower[Kind]) -> None:
    # The library has an overload for each scope, which a variable of either scope fits none of.
    untyped: Any = client
    anywhere = {"namespace": "*"} if issubclass(kind, NamespacedResource) else {}
    listing = untyped.list(kind, **anywhere)
    present: list[Kind] = [thing async for thing in listing]
    follower.start(present)
    for thing in present:
        await follower.change(thing, deleted=False)
    async for event, thing in untyped.watch(kind, resource_version=listing.resourceVersion, **anywhere):
        await follower.change(thing, deleted=event == "DELETED")
