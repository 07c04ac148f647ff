"""Enforces NetworkPolicies in the network namespace that the process runs in, as a network plugin does elsewhere.

It counts on every packet between pods, and between a pod and anything but the node, being routed: then it passes the
forward hook, after kube-proxy has put a pod's address in the place of a Service's and before anything is masqueraded.
The CNI plugin `ptp` gives each pod a routed link of its own; with `bridge`, packets between pods would stay unseen.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import shutil
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from lightkube.core.resource import GlobalResource, NamespacedResource
from lightkube.resources.core_v1 import Namespace, Pod
from lightkube.resources.networking_v1 import NetworkPolicy

from lab.controllers.ruleset import ruleset
from lab.errors import LabError

DEBOUNCE = 0.1
"""Seconds in which changes are gathered, for they come in swarms."""

_AGAIN_AFTER = 1.0
_log = logging.getLogger(__name__)

Apply = Callable[[str], Awaitable[None] | None]
Kind = TypeVar("Kind", bound=NamespacedResource | GlobalResource)


async def load(text: str) -> None:
    """Put a ruleset in force, at once and as a whole.

    Raises:
        LabError: `nft` is missing or refuses it.
    """
    # Debian's root has sbin in its PATH, whoever became root by `su` has not.
    nft = shutil.which("nft", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if nft is None:
        raise LabError("NetworkPolicies are enforced by nft, which is not there.\n  apt-get install nftables")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(nft, "-f", "-", stdin=pipe, stderr=pipe)
    _, said = await process.communicate(text.encode())
    if process.returncode != 0:
        raise LabError(f"nft refused the ruleset: {said.decode(errors='replace').strip()}")


class Policies:
    """Follows pods, namespaces and policies, and keeps the ruleset up with them.

    Its three attributes are followers, one for each kind. Nothing is applied before all three have been told what there
    is: half of the picture would open or close what is not meant. Until then, and when this process ends, the ruleset
    that is in force stays. A pod is only known once kubelet has reported its address, so in its first moments no policy
    isolates it; whoever calls an isolated pod is refused in them.

    Args:
        apply: puts a ruleset in force.
        debounce: seconds in which changes are gathered.
    """

    def __init__(self, apply: Apply = load, debounce: float = DEBOUNCE) -> None:
        self.pods: _Kept[Pod] = _Kept(self._changed)
        self.namespaces: _Kept[Namespace] = _Kept(self._changed)
        self.policies: _Kept[NetworkPolicy] = _Kept(self._changed)
        self._apply = apply
        self._debounce = debounce
        self._applied: str | None = None
        self._stale = False
        self._settling: asyncio.Task[None] | None = None

    def _changed(self) -> None:
        self._stale = True
        if self._settling is None or self._settling.done():
            self._settling = asyncio.create_task(self._settle())

    async def _settle(self) -> None:
        while self._stale:
            await asyncio.sleep(self._debounce)
            self._stale = False
            try:
                await self._render()
            except Exception as error:  # whatever it was, the next attempt may do better
                _log.warning("network policies: %s: %s", type(error).__name__, error)
                self._stale = True
                await asyncio.sleep(_AGAIN_AFTER)

    async def _render(self) -> None:
        pods, namespaces, policies = self.pods.things, self.namespaces.things, self.policies.things
        if pods is None or namespaces is None or policies is None:
            return
        text = ruleset(pods.values(), namespaces.values(), policies.values())
        if text == self._applied:
            return
        applied = self._apply(text)
        if inspect.isawaitable(applied):
            await applied
        self._applied = text
        _log.info("network policies: %d in force, %d chains", len(policies), text.count("\tchain ") - 1)


class _Kept(Generic[Kind]):
    """A follower that knows all objects of a kind as plain JSON; `things` is None until it has been told them."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.things: dict[tuple[str | None, str | None], dict[str, Any]] | None = None
        self._changed = changed

    def start(self, present: Sequence[Kind]) -> None:
        """See `Follower.start`."""
        self.things = {_key(thing): _plain(thing) for thing in present}
        self._changed()

    async def change(self, thing: Kind, *, deleted: bool) -> None:
        """See `Follower.change`."""
        if self.things is None:
            return
        if deleted:
            self.things.pop(_key(thing), None)
        else:
            self.things[_key(thing)] = _plain(thing)
        self._changed()


def _key(thing: Any) -> tuple[str | None, str | None]:
    return thing.metadata.namespace, thing.metadata.name


def _plain(thing: Any) -> dict[str, Any]:
    plain: dict[str, Any] = thing.to_dict()
    return plain
