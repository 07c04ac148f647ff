"""What people write for GoQuorum is read as geth reads it, or refused before anything is made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archipelago.chains.goquorum import geth
from archipelago.chains.goquorum.chain import GoQuorum
from archipelago.chains.goquorum.genesis import GenesisFile, unreadable
from archipelago.chains.goquorum.settings import Api, GoQuorumNode
from archipelago.chains.goquorum.versions import release
from tests.stacks import GONE, Config, alpha, outputs_of, plan_of, refusal_of

pytestmark = pytest.mark.unit

FIRST = "nodes.quorum-node1"


def arguments(extra: Any) -> list[str]:
    plan = plan_of(alpha({f"{FIRST}.extraArgs": extra}))
    command = next(each for each in plan.nodes[0].containers if each.name == "quorum")
    return [*command.command, *command.args]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (["--cache 256 --txpool.globalslots=4096"], ["--cache", "256", "--txpool.globalslots=4096"]),
        ('--txpool.globalslots=4096 --cache=\\"512\\"', ["--txpool.globalslots=4096", "--cache=512"]),
        ("--identity 'node one'", ["--identity", "node one"]),
        (["--identity=node one", "--cache", "256"], ["--identity=node one", "--cache", "256"]),
    ],
    ids=["several in one entry", "as Qubernetes has them", "quoted", "a value with a space"],
)
def test_r17_arguments_are_split_as_a_shell_would(written: Any, found: list[str]) -> None:
    assert " ".join(found) in " ".join(arguments(written))
    assert set(found) <= set(arguments(written)) or found[-1] in " ".join(arguments(written))


def test_r17_a_quote_that_is_not_closed_is_told() -> None:
    (problem,) = refusal_of(alpha({f"{FIRST}.extraArgs": "--identity 'node"}))
    assert "has a quote that is not closed" in problem.message


@pytest.mark.parametrize(
    "extra", [["--http.vhosts", "internal"], ["-http.vhosts=internal"], "--cache 1 --rpcvhosts internal"]
)
def test_r17_an_option_that_the_program_owns_is_refused_however_it_is_spelled(extra: Any) -> None:
    (problem,) = refusal_of(alpha({f"{FIRST}.extraArgs": extra}))
    assert problem.path.startswith(f"{FIRST}.extraArgs[")
    assert "is set by this program" in problem.message


@pytest.mark.parametrize("version", ["2.7.0", "20.10.0", "21.4.2", "22.7.4"])
def test_r17_every_option_that_the_program_gives_is_owned(version: str) -> None:
    node = GoQuorumNode.model_validate({"validator": True, "unlock": True, "api": {"rpc": True, "websocket": True}})
    process = geth.Process(release(version), 1000, geth.Times(3, 10000), True)
    given = {each.lstrip("-") for each in geth.arguments(process, node) if each.startswith("--")}
    assert given - geth.OWNED == {"miner.threads", "miner.gasprice"}, "which an operator may set otherwise"
    assert Api().namespaces == ("eth", "net", "web3")


def test_q_f6_ibft_is_istanbul() -> None:
    plan = plan_of(alpha({"network.consensus": "ibft"}))
    assert plan.genesis == plan_of(alpha({"network.consensus": "istanbul"})).genesis


@pytest.mark.parametrize("name", ["quorumExtension", "quorumPermission", "personal", "miner"])
def test_r26_more_namespaces_are_open_inside_the_cluster_with_a_warning(name: str) -> None:
    opened: Config = {f"{FIRST}.api": {"rpc": True, "namespaces": ["eth", name]}}
    plan = plan_of(alpha(opened))
    assert any(f"{FIRST}.api.namespaces has {name}" in each for each in plan.warnings)
    assert f"eth,{name}" in " ".join(plan.nodes[0].containers[0].command)
    (problem,) = refusal_of(alpha({f"{FIRST}.api": {**opened[f"{FIRST}.api"], "type": "NodePort"}}))
    assert problem.path == f"{FIRST}.api.namespaces"


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_r21_fewer_than_four_validators_are_told_to_bear_no_fault(count: int) -> None:
    changes: Config = {f"nodes.quorum-node{index}": {} for index in range(1, count + 1)}
    changes |= {f"nodes.quorum-node{index}": GONE for index in range(count + 1, 4)}
    told = [each for each in plan_of(alpha(changes)).warnings if "makes no block when one of them is away" in each]
    assert len(told) == (count < 4)
    assert all(f"{count} validator" in each for each in told)


def test_r27_sizes_are_the_founders_in_bytes_and_frozen() -> None:
    sizes: Config = {"network.genesis": {"maxCodeSize": 131072, "txnSizeLimit": 98304}}
    plan = plan_of(alpha(sizes))
    assert plan.genesis is not None
    config = json.loads(plan.genesis.text)["config"]
    assert config["maxCodeSizeConfig"] == [{"block": 0, "size": 128}]
    assert config["txnSizeLimit"] == 96
    last = outputs_of(plan)
    assert not refusal_of(alpha(sizes), last=last)
    (problem,) = refusal_of(alpha({"network.genesis": {"maxCodeSize": 65536}}), last=last)
    assert problem.path == "network.genesis.maxCodeSize"
    assert "131072" in problem.message
    (problem,) = refusal_of(alpha({"network.genesis": {"txnSizeLimit": 1024}}))
    assert problem.path == "network.genesis.txnSizeLimit"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no gas limit": ({"gasLimit": GONE}, "has no gasLimit"),
    "no difficulty and no alloc": ({"difficulty": GONE, "alloc": GONE}, "has no difficulty and no alloc"),
    "no chain id": ({"config.chainId": GONE}, "chainId must be a number"),
    "a chain id in quotes": ({"config.chainId": "0x3e8"}, "chainId must be a number without quotes"),
    "a fork in quotes": ({"config.byzantiumBlock": "0"}, "byzantiumBlock must be a number without quotes"),
    "a fork before an earlier one": ({"config.byzantiumBlock": 5}, "byzantiumBlock at or before constantinopleBlock"),
    "a fork without an earlier one": ({"config.petersburgBlock": GONE}, "petersburgBlock at or before istanbulBlock"),
    "two engines": ({"config.clique": {"period": 5, "epoch": 30000}}, "must name one engine"),
    "two of BFT": ({"config.qbft": {"epochlength": 100}}, "must name one engine"),
    "large transactions": ({"config.txnSizeLimit": 256}, "txnSizeLimit must be from 32 to 128 KiB"),
    "large contracts": ({"config.maxCodeSizeConfig": [{"block": 0, "size": 512}]}, "from 24 to 128 KiB"),
    "a transition without a block": ({"config.transitions": [{"algorithm": "qbft"}]}, "must each have a block"),
    "transitions out of order": ({"config.transitions": [{"block": 9}, {"block": 5}]}, "in order"),
    "a contract that selects": (
        {"config.transitions": [{"block": 9, "validatorselectionmode": "contract"}]},
        "a contract selects its validators",
    ),
}


@pytest.mark.parametrize(("changes", "words"), WRONG.values(), ids=WRONG.keys())
def test_r12_a_genesis_is_held_to_what_the_release_accepts(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    made = plan_of(alpha()).genesis
    assert made is not None
    document = json.loads(made.text)
    for path, value in changes.items():
        *way, last = path.split(".")
        place = document
        for step in way:
            place = place[step]
        if value is GONE:
            del place[last]
        else:
            place[last] = value
    text = json.dumps(document)
    assert words in unreadable(GenesisFile(text))
    (tmp_path / "genesis.json").write_text(text)
    file = alpha({"network.genesisFile": "genesis.json", "network.chainId": GONE})
    found = refusal_of(file, root=tmp_path)
    assert [each.path for each in found] == ["network.genesisFile"]
    assert words in found[0].message
    with pytest.raises(ValueError, match=r"."):
        GoQuorum().read_genesis(text)
