"""Organisations that tell each other of themselves and of others, without clusters: the way of profiles alone."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from archipelago.identity.curve25519 import signer
from archipelago.identity.derive import Keyring
from archipelago.identity.sealing import Sealer
from archipelago.model.record import ExternalNode
from archipelago.profiles.access import Access
from archipelago.profiles.own import heard_last, own_profiles
from archipelago.profiles.relays import Learnt, Listener, Word, told_back
from archipelago.settings.profiles import IdentitySettings
from tests.stacks import floats, seed
from tests.tokens import CA

NETWORK = "research"


def access(of: str, partner: str, generation: int = 1) -> Access:
    """What a cluster would give a partner."""
    token = hashlib.sha256(f"token {of} {partner} {generation}".encode()).hexdigest()
    return Access(server="https://203.0.113.10:6443", ca=CA, token=token, namespace="jobs")


@functools.cache
def _private(keyring: Keyring) -> bytes:
    return keyring.secret("", "organisation signing key")


_sealer = functools.cache(Sealer.of)
_signer = functools.cache(signer)


@dataclass
class Organisation:
    """One organisation: what it writes, and what it has exported last; None where it has not run, or is gone."""

    name: str
    partners: dict[str, bool] = field(default_factory=dict)  # whether what each relays is asked for
    identities: dict[str, dict[str, Any]] = field(default_factory=dict)
    refuse: frozenset[str] = frozenset()
    pins: dict[str, str] = field(default_factory=dict)
    seed: str = ""
    outputs: dict[str, Any] | None = None
    learnt: Learnt = field(default_factory=Learnt)

    @property
    def keyring(self) -> Keyring:
        return Keyring(bytes.fromhex(self.seed or seed(self.name)), self.name, NETWORK)

    @property
    def private(self) -> bytes:
        return _private(self.keyring)

    @property
    def sealer(self) -> Sealer:
        return _sealer(self.keyring)

    @property
    def sees(self) -> dict[tuple[str, str], str]:
        """Profiles that are not withdrawn, with their descriptions."""
        found = {place: each.heard.profile for place, each in self.learnt.known.items()}
        return {place: profile.description for place, profile in found.items() if not profile.withdrawn}

    def up(self, others: Mapping[str, Organisation]) -> dict[str, Any]:
        """One run: what it exports after it."""
        last = floats(self.outputs or {})
        words = [self._word(others[name]) for name in self.partners if others[name].outputs is not None]
        listener = Listener(self.name, NETWORK, _signer(self.private), self.pins, self.refuse)
        self.learnt = listener.learn(words, last.get("relayedProfiles", []))
        relayed = [raw for word in words for raw in told_back(word.relayed)]
        before = heard_last([*last.get("profiles", []), *relayed], self.name, NETWORK, _signer(self.private))
        written = {name: IdentitySettings.model_validate(each) for name, each in self.identities.items()}
        keys = {name: others[name].sealer.key for name in self.partners if others[name].outputs is not None}
        record = ExternalNode(network=NETWORK, organisation=self.name, name="public-archive", node_id=f"id-{self.name}")
        own = own_profiles(written, [record], self.sealer, self.private, before, keys)
        tokens = {partner: access(self.name, partner) for partner in self.partners}
        self.outputs = {
            "profiles": [each.delivered([record], tokens, self.sealer, self.private) for each in own],
            "relayedProfiles": [known.plain() for _, known in sorted(self.learnt.known.items())],
        }
        return self.outputs

    def _word(self, other: Organisation) -> Word:
        given = floats(other.outputs)
        return Word(
            other.name,
            _signer(other.private),
            given["profiles"],
            given["relayedProfiles"],
            network=self.partners[other.name],
        )


class Net:
    """Organisations by name."""

    def __init__(self, organisations: Iterable[Organisation]) -> None:
        self.by_name = {each.name: each for each in organisations}

    def __getitem__(self, name: str) -> Organisation:
        return self.by_name[name]

    def up(self, *names: str) -> None:
        """Run stacks one after another."""
        for name in names:
            self[name].up(self.by_name)

    def settle(self, order: Iterable[str] = ()) -> int:
        """Run all that are there until nothing changes; how many rounds that took."""
        names = list(order) or sorted(self.by_name)
        alive = [name for name in names if self[name].outputs is not None]
        for count in range(4 * len(names) + 4):
            before = [self[name].outputs for name in alive]
            self.up(*alive)
            if [self[name].outputs for name in alive] == before:
                return count
        raise AssertionError("they do not settle")

    def destroy(self, name: str) -> None:
        """What a stack exported is gone, and its partners' runs see that it is."""
        self[name].outputs = None
        self[name].learnt = Learnt()

    def withdraw(self, name: str) -> None:
        """Take an organisation's only identity out of its stack file."""
        self[name].identities = {}


def identity(description: str = "", **more: Any) -> dict[str, Any]:
    """The smallest identity."""
    return {"namespace": "jobs", "description": description, "publishTo": ["ipfs/public/archive"], **more}


def net(edges: Mapping[str, Mapping[str, bool] | Iterable[str]]) -> Net:
    """Organisations with one identity `gpu` each, by whom they list; a mapping says whether relaying is asked for."""
    made = []
    for name, listed in edges.items():
        partners = dict(listed) if isinstance(listed, Mapping) else dict.fromkeys(listed, True)
        made.append(Organisation(name, partners, {"gpu": identity(f"{name} at first")}))
    return Net(made)
