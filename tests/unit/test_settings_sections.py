"""A kind of network whose nodes stand in sections of its own is read, completed, checked and told of like any other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from archipelago.chains.registry import CHAINS
from archipelago.checks.settings import problems as checks
from archipelago.problems import Problem, Refused
from archipelago.settings.read import read
from archipelago.settings.reference import keys
from archipelago.settings.schema import schema
from archipelago.settings.secrecy import in_plain_text
from archipelago.settings.types import SEALED
from tests.pools import KIND, KINDS, config, settings_of
from tests.stacks import alpha, changed

pytestmark = pytest.mark.unit

SCHEMA = schema(KINDS)
VALIDATOR = Draft202012Validator(SCHEMA)
ARCHIVE = "pools.public.members.archive"


def refused(changes: Mapping[str, Any]) -> tuple[Problem, ...]:
    with pytest.raises(Refused) as caught:
        settings_of(changes)
    return caught.value.problems


def in_editor(said: Mapping[str, Any]) -> list[str]:
    """What an editor marks in a stack file."""
    written = {f"archipelago:{key}": value for key, value in said.items() if key != "identitySeed"}
    return [error.json_path for error in VALIDATOR.iter_errors({"config": written})]


def test_members_of_pools_are_the_nodes_of_the_stack() -> None:
    nodes = settings_of().nodes
    assert sorted(nodes) == ["private-archive", "public-archive", "public-cache"]
    assert nodes["public-archive"].port == 4002


def test_defaults_complete_members_wherever_they_stand() -> None:
    sizes = {name: node.storage.size for name, node in settings_of().nodes.items()}
    assert sizes == {"public-archive": "5Gi", "public-cache": "5Gi", "private-archive": "7Gi"}


def test_reading_leaves_the_configuration_as_it_was() -> None:
    given = config()
    read(given, "Pulumi.a.yaml", KINDS, lambda found: checks(found, KINDS))
    assert given == config()


def test_nodes_is_an_unknown_key_where_it_follows_from_pools() -> None:
    (problem,) = refused({"nodes": {"one": {}}})
    assert (problem.path, problem.message) == ("nodes", "unknown key.")
    known = problem.cure.partition("Known here: ")[2].rstrip(".").split(", ")
    assert "pools" in known
    assert "nodes" not in known


def test_pools_is_an_unknown_key_of_other_kinds() -> None:
    with pytest.raises(Refused, match="unknown key"):
        read(alpha({"pools": {}}), "Pulumi.a.yaml", KINDS, lambda found: checks(found, KINDS))


def test_a_fault_in_the_defaults_is_told_once_and_at_a_member_where_it_stands() -> None:
    assert [each.path for each in refused({"defaults.port": 0})] == ["defaults.port"]
    assert [each.path for each in refused({f"{ARCHIVE}.port": 0})] == [f"{ARCHIVE}.port"]
    assert [each.path for each in refused({f"{ARCHIVE}.prot": 1})] == [f"{ARCHIVE}.prot"]


def test_checks_tell_where_a_member_stands() -> None:
    taken = {f"{ARCHIVE}.exposure.ports": {"p2p": 30401}}
    problem = refused({**taken, "pools.private.members.archive.exposure.ports": {"p2p": 30401}})[0]
    assert problem.path == "pools.private.members.archive.exposure.ports.p2p"
    assert f"archipelago:{ARCHIVE}.exposure.ports.p2p" in problem.message
    assert refused({f"{ARCHIVE}.exposure.ports": {"swarm": 30401}})[0].path == f"{ARCHIVE}.exposure.ports.swarm"


def test_one_run_tells_what_is_wrong_with_every_member() -> None:
    """Two at once: one that cannot be read, and one that only the checks find."""
    paths = [
        each.path for each in refused({f"{ARCHIVE}.port": 0, "pools.private.members.archive.exposure.ports.x": 30401})
    ]
    assert paths == ["pools.private.members.archive.exposure.ports.x", f"{ARCHIVE}.port"]


def test_a_secret_of_a_member_is_told_once_where_it_stands() -> None:
    (problem,) = in_plain_text(settings_of({f"{ARCHIVE}.word": "sesame", "identitySeed": SEALED}), ())
    assert problem.path == f"{ARCHIVE}.word"


def test_an_editor_takes_each_kind_with_its_own_sections() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert in_editor(config()) == []
    assert in_editor(alpha()) == []
    for wrong in (changed(alpha(), {"pools": {}}), changed(config(), {"nodes": {}})):
        assert len(in_editor(wrong)) == 1
    assert in_editor(changed(config(), {f"{ARCHIVE}.prot": 1})) == [
        f"$.config['archipelago:pools']{ARCHIVE[5:-8]}.archive"
    ]


def branches(known: Mapping[str, Any]) -> dict[str, Any]:
    """What holds for each kind of network."""
    conditions = known["properties"]["config"]["allOf"]
    kinds = [each["if"]["properties"]["archipelago:network"]["properties"]["kind"]["const"] for each in conditions]
    return {kind: each["then"]["properties"] for kind, each in zip(kinds, conditions, strict=True)}


def test_the_schema_of_the_others_only_learns_which_sections_are_not_theirs() -> None:
    for kind, properties in branches(schema(CHAINS)).items():
        assert branches(SCHEMA)[kind] == {"archipelago:pools": False} | properties  # unless it has such a section too


def test_the_reference_lists_the_keys_of_a_section_in_a_section() -> None:
    assert [each.name for each in keys(SCHEMA, f"pools {KIND}")] == ["namespace", "createNamespace", "members"]
    listed = {each.name: each.type for each in keys(SCHEMA, f"pools.members {KIND}")}
    assert listed["port"] == "number from 1"
    assert listed["storage.size"] == "text or number"
