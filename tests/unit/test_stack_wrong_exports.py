"""Whatever a partner exports that was taken once: a stack that runs goes on, as with that partner away."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

import tests.cita
import tests.ipfs
import tests.stacks
from archipelago.chains.ipfs.swarm_key import parsed
from archipelago.chains.registry import CHAINS
from archipelago.identity.curve25519 import sign, signer
from archipelago.identity.derive import Keyring
from archipelago.identity.sealing import Sealer
from archipelago.model.record import canonical
from archipelago.stack.plan import StackPlan
from tests.stacks import Config, bundle, crossed, floats, outputs_of, seed
from tests.world import World, objects

pytestmark = pytest.mark.unit

KINDS: dict[str, tuple[ModuleType, Callable[[], Config], Callable[[], Config]]] = {
    "goquorum": (tests.stacks, tests.stacks.alpha, tests.stacks.beta),
    "cita-cloud": (tests.cita, tests.cita.founder, tests.cita.joiner),
    "ipfs": (tests.ipfs, tests.ipfs.alpha, tests.ipfs.beta),
}
ODD: tuple[Any, ...] = (None, "", "x", -1.0, 3.0, [], {}, "127.0.0.1", "0x" + "1" * 64, "ed25519:" + "1" * 64)
Step = tuple[Any, ...]


class Pair:
    """alpha, which founded a network and gives keys where there are any, and beta, which runs in it."""

    def __init__(self, kind: str) -> None:
        module, founder, joiner = KINDS[kind]
        self.kind, self.plan_of = kind, module.plan_of
        self.config = joiner()
        world = World(module.plan_of, alpha=founder(), beta=self.config)
        world.up("alpha", "beta", "alpha", "beta", "alpha", "beta")
        assert not world.plans["beta"].waiting_for
        self.last = floats(world.outputs["beta"])
        self.sent = crossed(world.outputs["alpha"])
        self.away = self.plan({})

    def plan(self, sent: Config) -> StackPlan:
        """What beta's next run makes when alpha exports this."""
        plan: StackPlan = self.plan_of(self.config, {"alpha": sent}, self.last)
        return plan

    def signed(self, given: Config) -> Config:
        """A bundle under alpha's signature."""
        network = self.config["network"]["name"]
        key = Keyring(bytes.fromhex(seed("alpha")), "alpha", network).secret("", "organisation signing key")
        keyed = {**given, "key": signer(key)}
        return {**keyed, "signature": sign(key, canonical(keyed))}

    def sealed(self, secret: bytes) -> str:
        """What alpha would seal to beta as the key of the swarm."""
        alpha, beta = (Sealer.of(Keyring(bytes.fromhex(seed(name)), name, "research")) for name in ("alpha", "beta"))
        return alpha.seal("beta", beta.key, "swarm/archive", secret)


@pytest.fixture(scope="module", params=KINDS)
def pair(request: pytest.FixtureRequest) -> Pair:
    """One for each kind of network."""
    return Pair(request.param)


def places(value: Any, at: Step = ()) -> Iterator[Step]:
    """Every place in a bundle."""
    if at:
        yield at
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*at, key))


def put(given: Config, at: Step, value: Any) -> Config:
    """A copy with another value in one place."""
    found: Any = copy.deepcopy(given)
    inner = found
    for step in at[:-1]:
        inner = inner[step]
    inner[at[-1]] = value
    return found  # type: ignore[no-any-return]


def holds(pair: Pair, sent: Config, why: object) -> StackPlan:
    """The plan of beta's next run, in which nothing that runs is another one than before."""
    plan = pair.plan(sent)
    assert plan.genesis == pair.away.genesis, why
    assert [node.private_files for node in plan.nodes] == [node.private_files for node in pair.away.nodes], why
    if plan.missing:
        assert objects(plan) == objects(pair.away), why
        assert outputs_of(plan) == outputs_of(pair.away), why
    return plan


def test_c16_any_place_of_a_bundle_that_holds_another_value_stops_no_run(pair: Pair) -> None:
    for number, at in enumerate(places(pair.sent)):
        value = ODD[number % len(ODD)]
        changed = put(pair.sent, at, value)
        holds(pair, pair.signed(changed), (at, value))
    unsigned = holds(pair, {**pair.sent, "signature": "00" * 64}, "signature")
    assert unsigned.missing == ("alpha",)


OTHER_GENESIS: dict[str, Config] = {
    "goquorum": {"network.genesis": {"gasLimit": 30_000_000}},
    "cita-cloud": {"network.genesis.timestamp": tests.cita.TIMESTAMP + 1000},
}


@pytest.mark.parametrize(("kind", "changes"), OTHER_GENESIS.items())
def test_c16_another_genesis_of_the_founder_is_told_and_ours_stays(kind: str, changes: Config) -> None:
    pair = Pair(kind)
    module, founder, _ = KINDS[kind]
    other = tests.stacks.changed(founder(), changes)
    early = crossed(outputs_of(module.plan_of(pair.config)))  # before it had a genesis
    theirs = crossed(outputs_of(module.plan_of(other, {"beta": early})))
    theirs["network"]["edition"] = pair.sent["network"]["edition"] + 1
    assert theirs["network"]["genesisHash"] != pair.sent["network"]["genesisHash"]
    plan = holds(pair, pair.signed(theirs), "another genesis")
    (warning,) = (each for each in plan.warnings if "taken last stay" in each)
    assert theirs["network"]["genesisHash"] in warning
    without = {**theirs["network"], "genesis": "", "genesisHash": ""}
    assert not holds(pair, pair.signed({**theirs, "network": without}), "no genesis yet").waiting_for
    assert not holds(pair, pair.signed({**theirs, "network": None}), "no record of the network").waiting_for


KEY = "/key/swarm/psk/1.0.0/\n/base16/\n{}\n"


OTHER = KEY.format("ab" * 32).encode()


@pytest.mark.parametrize("told", [True, False], ids=["its own members have it", "its own members have the first one"])
@pytest.mark.parametrize("secret", [OTHER, b"no key", b""], ids=["another", "malformed", "empty"])
def test_c16_a_key_that_its_giver_changes_is_told_and_ours_stays(secret: bytes, told: bool) -> None:
    pair = Pair("ipfs")
    sent = put(pair.sent, ("sealed", "beta", "swarm/archive"), pair.sealed(secret))
    if told:
        sent["externalNodes"][0]["fingerprint"] = parsed(OTHER).fingerprint
    plan = holds(pair, pair.signed(sent), secret)
    assert plan.missing == ("alpha",)
    (warning,) = (each for each in plan.warnings if "taken last stay" in each)
    assert "swarm archive" in warning or "swarm/archive" in warning
    assert outputs_of(plan)["received"] == pair.last["received"]


def test_c16_a_key_giver_that_seals_none_any_more_changes_nothing() -> None:
    pair = Pair("ipfs")
    kinds: tuple[Any, ...] = ({}, {"beta": {}}, None)
    for sealed in kinds:
        plan = holds(pair, pair.signed({**pair.sent, "sealed": sealed}), sealed)
        assert outputs_of(plan)["received"] == pair.last["received"]


def test_c16_another_spelling_of_the_same_key_is_no_other_key() -> None:
    pair = Pair("ipfs")
    alpha, beta = (Sealer.of(Keyring(bytes.fromhex(seed(name)), name, "research")) for name in ("alpha", "beta"))
    plain = beta.opened("alpha", "swarm/archive", pair.sent["sealed"]["beta"]["swarm/archive"])
    spelled = alpha.seal("beta", beta.key, "swarm/archive", plain.rstrip(b"\n") + b"\r\n")
    plan = holds(pair, pair.signed(put(pair.sent, ("sealed", "beta", "swarm/archive"), spelled)), "spelling")
    assert plan.missing == ()


def test_a_joiner_that_runs_nothing_yet_refuses_what_is_wrong() -> None:
    sent = bundle(tests.stacks.alpha())
    sent["network"]["genesisHash"] = "0x" + "1" * 64
    pair = Pair("goquorum")
    assert tests.stacks.refusal_of(tests.stacks.beta(), {"alpha": pair.signed(sent)})


ODD_GENESIS: tuple[tuple[str, Any], ...] = (
    ("alloc", {"0x": {"balance": "1"}}), ("alloc", {"": {}}), ("alloc", {"0x" + "ab" * 21: {}}),
    ("gasLimit", ""), ("gasLimit", 1.5), ("gasLimit", True), ("gasLimit", tests.stacks.GONE),
)  # fmt: skip


@pytest.mark.parametrize(("key", "value"), ODD_GENESIS)
def test_a_founders_genesis_with_odd_values_is_taken_or_refused_in_words(key: str, value: Any) -> None:
    """Of the one that is seen first: nothing of it was compared yet."""
    given = bundle(tests.stacks.alpha())
    text = json.dumps(tests.stacks.changed(json.loads(given["network"]["genesis"]), {key: value}))
    try:
        given["network"] |= {"genesis": text, "genesisHash": CHAINS["goquorum"].read_genesis(text).hash}
    except ValueError:
        given["network"] |= {"genesis": text}
    found = tests.stacks.refusal_of(
        tests.stacks.beta({"partners.alpha.unsigned": True}), {"alpha": {**given, "signature": ""}}
    )
    assert {problem.path for problem in found} <= {"partners.alpha"}
    if key == "alloc":
        assert any("its alloc must name addresses of 40 hex characters" in problem.message for problem in found)
