"""All pods of all kinds stay within the level "restricted" of Kubernetes, and their namespaces enforce it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from archipelago.manifests.common import Manifest
from archipelago.manifests.stack import manifests
from tests import ipfs
from tests.golden.examples import folders, plans
from tests.stacks import alpha, plan_of

pytestmark = pytest.mark.unit

ENFORCE = "pod-security.kubernetes.io/enforce"
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def against_restricted(pod: Manifest) -> Iterator[str]:
    """What the level refuses of a pod (kubernetes.io/docs/concepts/security/pod-security-standards)."""
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            yield key
    for volume in pod.get("volumes", []):
        yield from (f"volume {kind}" for kind in volume.keys() - {"name"} - VOLUMES)
    whole = pod.get("securityContext", {})
    if whole.get("sysctls"):
        yield "sysctls"
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        own: dict[str, Any] = {**whole, **container.get("securityContext", {})}
        checks = {
            "runAsNonRoot": own.get("runAsNonRoot") is True and own.get("runAsUser") != 0,
            "seccompProfile": own.get("seccompProfile", {}).get("type") in ("RuntimeDefault", "Localhost"),
            "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
            "privileged": not own.get("privileged"),
            "capabilities": own.get("capabilities") == {"drop": ["ALL"]},
            "hostPort": not any(port.get("hostPort") for port in container.get("ports", [])),
            "procMount": own.get("procMount", "Default") == "Default",
        }
        yield from (f"{container['name']}: {name}" for name, good in checks.items() if not good)


@pytest.mark.parametrize("name", folders())
def test_c36_every_pod_is_let_in_where_its_namespace_enforces_restricted(name: str) -> None:
    for each in manifests(plans()[name]):
        template = each.get("spec", {}).get("template")
        if template:
            assert list(against_restricted(template["spec"])) == [], each["metadata"]["name"]


@pytest.mark.parametrize("name", folders())
def test_c36_namespaces_that_the_stack_makes_for_its_pods_enforce_restricted(name: str) -> None:
    listed = [*manifests(plans()[name])]
    with_pods = {each["metadata"]["namespace"] for each in listed if "template" in each.get("spec", {})}
    made = {each["metadata"]["name"]: each["metadata"]["labels"] for each in listed if each["kind"] == "Namespace"}
    assert with_pods <= made.keys()
    assert all(made[namespace][ENFORCE] == "restricted" for namespace in with_pods)


def test_c36_a_namespace_of_others_work_is_left_as_it_is() -> None:
    """An identity's namespace has jobs of the organisation, whose pods this program does not know."""
    listed = manifests(ipfs.examples().up("alpha"))
    labels = {each["metadata"]["name"]: each["metadata"]["labels"] for each in listed if each["kind"] == "Namespace"}
    assert ENFORCE not in labels["jobs"]
    assert labels["ipfs"][ENFORCE] == "restricted"


def test_c36_another_level_may_be_chosen_and_restarts_no_pod() -> None:
    before, after = (
        [*manifests(plan_of(alpha({"cluster.podSecurity": level})))] for level in ("restricted", "baseline")
    )
    changed = [each for each, other in zip(before, after, strict=True) if each != other]
    assert [each["kind"] for each in changed] == ["Namespace"]


@pytest.mark.parametrize("name", folders())
def test_r11_no_script_in_a_pod_advises_to_delete_keys_or_blocks(name: str) -> None:
    """A volume that holds another chain, or another node's data, is somebody's."""
    for each in manifests(plans()[name]):
        pod = each.get("spec", {}).get("template", {}).get("spec", {})
        for container in [*pod.get("initContainers", []), *pod.get("containers", [])]:
            said = [line for word in container.get("command", ()) for line in word.splitlines() if "echo" in line]
            assert not [line for line in said if "delete" in line.lower()], container["name"]
