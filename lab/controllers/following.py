"""Follow all objects of one kind, for ever, whatever happens to the API server meanwhile."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from lightkube import Client
from lightkube.core.resource import GlobalResource, NamespacedResource

_AGAIN_AFTER = 1.0
_log = logging.getLogger(__name__)

Kind = TypeVar("Kind", bound=NamespacedResource | GlobalResource)
Told_contra = TypeVar("Told_contra", contravariant=True)


class Follower(Protocol[Told_contra]):
    """What a controller does with the objects that it follows."""

    def start(self, present: Sequence[Told_contra]) -> None:
        """All objects there are, told first and again after every interruption."""

    def change(self, thing: Told_contra, *, deleted: bool) -> None:
        """One object was made, changed or deleted."""


def follow(client: Client, kind: type[Kind], follower: Follower[Kind]) -> None:
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
            _follow_once(client, kind, follower)
        except Exception as error:  # the loop is what heals, whatever it was
            _log.warning("%s: %s: %s", kind.__name__, type(error).__name__, error)
        time.sleep(_AGAIN_AFTER)


def _follow_once(client: Client, kind: type[Kind], follower: Follower[Kind]) -> None:
    # The library has an overload for each scope, which a variable of either scope fits none of.
    untyped: Any = client
    anywhere = {"namespace": "*"} if issubclass(kind, NamespacedResource) else {}
    listing = untyped.list(kind, **anywhere)
    present: list[Kind] = list(listing)
    follower.start(present)
    for thing in present:
        follower.change(thing, deleted=False)
    for event, thing in untyped.watch(kind, resource_version=listing.resourceVersion, **anywhere):
        follower.change(thing, deleted=event == "DELETED")
