"""Every field of a record from outside has a type and a limit."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from archipelago.checks.plans import too_large
from archipelago.model import record
from archipelago.model.profile import Delivery, Profile, Publication
from archipelago.model.record import Bundle, ExternalNode, NetworkRecord
from tests.stacks import alpha, beta, bundle, refusal_of

pytestmark = pytest.mark.unit

NODE = {"network": "x", "organisation": "beta", "name": "n", "nodeId": "a"}
NETWORK = {"name": "x", "kind": "ipfs", "organisation": "beta"}
PROFILE = {"network": "x", "organisation": "beta", "key": "a", "identity": "i"}
PUBLICATION = {"namespace": "n", "pool": "p", "swarm": "s", "peerId": "a"}
RECORDS: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (ExternalNode, NODE), (NetworkRecord, NETWORK), (Profile, PROFILE), (Publication, PUBLICATION),
    (Delivery, {"profile": "a"}), (Bundle, {"organisation": "beta"}),
]  # fmt: skip
TEXTS = [
    (model, given, field.alias or name)
    for model, given in RECORDS
    for name, field in model.model_fields.items()
    if "str" in str(field.annotation) and "dict" not in str(field.annotation) and "tuple" not in str(field.annotation)
]


@pytest.mark.parametrize(("model", "given", "field"), TEXTS, ids=lambda value: getattr(value, "__name__", str(value)))
def test_c12_c27_c30_no_field_takes_any_text(model: type[BaseModel], given: dict[str, Any], field: str) -> None:
    assert model.model_validate(given)
    texts = ["a" * (1 << 21)] if field == "genesis" else ["\x1b[2J", "a\u202eb", "a" * 5000]
    for text in texts:
        with pytest.raises(ValidationError):
            model.model_validate({**given, field: text})


@pytest.mark.parametrize("swarm", ["../etc/x y", "Ω", "a" * 300, "A", "-a", "a.b", "a/b"])
def test_c12_a_swarm_that_is_no_label_is_refused(swarm: str) -> None:
    with pytest.raises(ValidationError, match="a name must be a DNS label"):
        ExternalNode.model_validate({**NODE, "swarm": swarm})


def test_c27_endpoints_have_a_limit() -> None:
    many = {f"p{index}": {"host": "a", "port": 1} for index in range(record.MOST_ENDPOINTS + 1)}
    with pytest.raises(ValidationError, match="at most"):
        ExternalNode.model_validate({**NODE, "endpoints": many})


def test_c27_a_partner_with_too_many_nodes_is_refused_with_its_name() -> None:
    given = copy.deepcopy(bundle(alpha()))
    given["externalNodes"] *= record.MOST_NODES
    (problem,) = refusal_of(beta({"partners.alpha.unsigned": True}), {"alpha": given})
    assert problem.path == "partners.alpha"
    assert "must give at most 2000 nodes, got 6000" in problem.message


@pytest.mark.parametrize("sealed", [{"x": "a" * (1 << 18)}, {f"x{index}": "a" for index in range(2000)}])
def test_c27_what_a_partner_seals_has_a_limit(sealed: dict[str, str]) -> None:
    given = copy.deepcopy(bundle(alpha())) | {"sealed": {"beta": sealed}}
    (problem,) = refusal_of(beta({"partners.alpha.unsigned": True}), {"alpha": given})
    assert "it must seal at most 1000 texts for us" in problem.message


def test_c24_a_bad_sealing_key_makes_no_profile() -> None:
    with pytest.raises(ValidationError, match="a sealing key is written x25519:"):
        Profile.model_validate({**PROFILE, "sealingKey": "x25519:garbage"})


def test_c27_a_list_of_peers_that_no_config_map_holds_is_refused_with_the_partners_name() -> None:
    assert not list(too_large({"a": "x" * 900_000}, "alpha"))
    (problem,) = too_large({"a": "x" * 600_000, "b": "y" * 600_000}, "alpha")
    assert problem.path == "partners.alpha"
    assert "must have at most" in problem.message
