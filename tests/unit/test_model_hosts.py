"""Hosts that come from outside: what is one, and which of them may be dialled."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from archipelago.model.endpoint import Endpoint, inside
from tests.stacks import alpha, beta, bundle, floats, outputs_of, plan_of, refusal_of

pytestmark = pytest.mark.unit

GOOD = ["203.0.113.7", "2001:db8::1", "::ffff:203.0.113.7", "a.example", "Node-1.example", "x", "4.example", "a" * 63]
BAD = [
    *(
        "a|b",
        'x"|;s|zz|',
        "a;b",
        "a&b",
        "a\\b",
        "a\x01b",
        "a\nb",
        "a b",
        "$(id)",
        "`id`",
        "*",
        "-v",
        "a-",
        "a..b",
        ".",
        "",
    ),
    *("a.example.", "a_b.example", "Ω.example", "a\u202eb", "a" * 64, ".".join(["a" * 60] * 5), "[::1]", "a:1"),
    *("127.1", "0x7f000001", "2130706433", "10.0.0.0/8", "1.2.3", "fe80::1%eth0", "fe80::1%a|b", "user@a", "http://a"),
]


@pytest.mark.parametrize("host", GOOD)
def test_c1_addresses_and_dns_names_are_hosts(host: str) -> None:
    assert Endpoint(host=host, port=1).host == host
    assert not inside(host)


@pytest.mark.parametrize("host", BAD)
def test_c1_c11_c36_other_texts_are_no_hosts(host: str) -> None:
    with pytest.raises(ValidationError, match="a host must be an IP address or a DNS name"):
        Endpoint(host=host, port=1)


@given(st.text())
def test_c1_no_host_has_a_character_that_a_shell_sed_xml_or_json_reads(text: str) -> None:
    try:
        host = Endpoint(host=text, port=1).host
    except ValidationError:
        return
    assert set(host) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:")
    assert ":" not in host or ipaddress.ip_address(host)


INSIDE = [
    *("127.0.0.1", "127.20.0.3", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "169.254.169.254", "fe80::1", "224.0.0.1"),
    *("ff02::1", "localhost", "LOCALHOST", "a.localhost", "kubernetes", "kubernetes.default", "a.b.svc"),
    *("a.b.SVC.cluster.local", "metadata.google.internal", "metadata", "instance-data.ec2.internal", "ip6-localhost"),
    *("168.63.129.16", "100.100.100.200", "192.0.0.192", "::ffff:168.63.129.16", "fd00:ec2::254", "fd00:ec2::23"),
    *("fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:100::100:200", "fd00:42::42", "fd00:a9fe:a9fe::1"),
    *("64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::169.254.169.254", "::ffff:0:169.254.169.254", "64:ff9b::7f00:1"),
]
OUTSIDE = ["168.63.129.17", "100.100.100.201", "192.0.0.193", "10.0.0.7", "fd00:ec3::254", "fd20:ce::255", "fd12::1"]
OUTSIDE += ["64:ff9b::cb00:7107", "2002:cb00:7107::1", "metadata.example", "a.internal"]


@pytest.mark.parametrize("host", OUTSIDE)
def test_what_stands_beside_a_clouds_own_addresses_may_be_dialled(host: str) -> None:
    assert not inside(Endpoint(host=host, port=1).host)


@pytest.mark.parametrize("host", INSIDE)
def test_c14_a_partners_host_inside_our_cluster_needs_a_setting(host: str) -> None:
    given = bundle(alpha())
    given["externalNodes"][0]["endpoints"]["p2p"]["host"] = host
    (problem,) = refusal_of(beta({"partners.alpha.unsigned": True}), {"alpha": given})
    assert (problem.path, "alpha/quorum-node1" in problem.message) == ("partners.alpha", True)
    assert "archipelago:partners.alpha.allowInside" in problem.cure
    allowed = beta({"partners.alpha.unsigned": True, "partners.alpha.allowInside": True})
    assert plan_of(allowed, {"alpha": given}).imports[0].nodes[0].endpoints["p2p"].host == host


SHORT = ["consortium-quorum-node1", "consortium-quorum-node1.consortium", "X.Consortium", "db.default", "x"]


@pytest.mark.parametrize("host", SHORT)
def test_a_short_name_that_pods_complete_to_one_of_our_services_needs_a_setting(host: str) -> None:
    given = bundle(beta({"nodes.quorum-node1.exposure": {"host": host, "ports": {"p2p": 30303, "tessera": 30901}}}))
    (problem,) = refusal_of(alpha(), {"beta": given})
    assert (problem.path, f"the host {host} of beta/quorum-node1 is short" in problem.message) == (
        "partners.beta",
        True,
    )
    assert "archipelago:partners.beta.allowInside" in problem.cure
    allowed = plan_of(alpha({"partners.beta.allowInside": True}), {"beta": given})
    assert allowed.imports[0].nodes[0].endpoints["p2p"].host == host


@pytest.mark.parametrize("host", ["node1.example", "a.b.consortium.example", "10.0.0.7", "2001:db8::1", "n.corp"])
def test_a_whole_name_does_not(host: str) -> None:
    given = bundle(beta({"nodes.quorum-node1.exposure": {"host": host, "ports": {"p2p": 30303, "tessera": 30901}}}))
    assert plan_of(alpha(), {"beta": given}).imports[0].nodes[0].endpoints["p2p"].host == host


def test_a_short_name_that_was_taken_before_stays_until_the_setting_is_there() -> None:
    short = beta({"nodes.quorum-node1.exposure": {"host": "quorum1", "ports": {"p2p": 30303, "tessera": 30901}}})
    allowed = plan_of(alpha({"partners.beta.allowInside": True}), {"beta": bundle(short)})
    again = plan_of(alpha(), {"beta": bundle(short)}, floats(outputs_of(allowed)))
    assert again.live_files == allowed.live_files
    assert any("allowInside" in each for each in again.warnings)


def test_a_short_name_that_our_own_stack_file_says_is_meant() -> None:
    pasted = bundle(beta())["externalNodes"]
    for node in pasted:
        for endpoint in node["endpoints"].values():
            endpoint["host"] = "quorum1"
    plan = plan_of(alpha({"partners.beta": {"nodes": pasted[:1]}}))
    assert plan.imports[0].nodes[0].endpoints["p2p"].host == "quorum1"
