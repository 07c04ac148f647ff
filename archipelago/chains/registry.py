"""The protocols this version knows: a new one is a package beside this file and a function here.

Each is imported when it is asked for: a stack is of one kind, and every start of its program would pay for all of them.
"""

# ruff: noqa: PLC0415 - that is what this file is for

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Generic, TypeVar

from archipelago.chains.accounts import AccountKind
from archipelago.chains.contract import Chain
from archipelago.chains.takeover import Importer, Translator

T = TypeVar("T")


class Made(MutableMapping[str, T], Generic[T]):
    """Values that are made when they are first asked for.

    Args:
        makers: How, by key; what is set later needs none.
    """

    def __init__(self, makers: Mapping[str, Callable[[], T]]) -> None:
        self._makers = dict(makers)
        self._made: dict[str, T] = {}

    def __getitem__(self, key: str) -> T:
        if key not in self._made:
            self._made[key] = self._makers[key]()
        return self._made[key]

    def __setitem__(self, key: str, value: T) -> None:
        self._makers[key] = lambda: value
        self._made[key] = value

    def __delitem__(self, key: str) -> None:
        del self._makers[key]
        self._made.pop(key, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def _goquorum() -> Chain:
    from archipelago.chains.goquorum.chain import GoQuorum

    return GoQuorum()


def _cita_cloud() -> Chain:
    from archipelago.chains.cita_cloud.chain import CitaCloud

    return CitaCloud()


def _ipfs() -> Chain:
    from archipelago.chains.ipfs.chain import Ipfs

    return Ipfs()


def accounts() -> Mapping[str, AccountKind]:
    """Accounts that are made outside of any stack, by what the command line calls them."""
    from archipelago.chains.cita_cloud import account_folder

    return account_folder.KINDS


def _runner_k8s() -> Importer:
    from archipelago.chains.cita_cloud.runner_k8s.takeover import RunnerK8s

    return RunnerK8s()


def _swarm_pools() -> Translator:
    from archipelago.chains.ipfs.swarmpool import SwarmPools

    return SwarmPools()


CHAINS: MutableMapping[str, Chain] = Made({"goquorum": _goquorum, "cita-cloud": _cita_cloud, "ipfs": _ipfs})
# networks that other tools made, by the tool
IMPORTERS: Mapping[str, Importer] = Made({"runner-k8s": _runner_k8s})
# objects that other tools' controllers follow, by the kind that names the tool
TRANSLATORS: Mapping[str, Translator] = Made({"swarmpool": _swarm_pools})
