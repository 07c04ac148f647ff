"""Whose objects a stack's are, and in which cluster: what stays for a stack's life, whatever its name becomes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from archipelago.identity.curve25519 import signer
from archipelago.problems import Problem
from archipelago.settings.models import Cluster
from archipelago.settings.read import Settings
from archipelago.stack.standing import Trace

_LABEL_VALUE = 63  # characters that Kubernetes allows
_DIGITS = 10  # hexadecimal, of an owner's digest


@dataclass(frozen=True, slots=True)
class Met:
    """What a stack's cluster says before anything is planned.

    Args:
        uid: UID of its namespace `kube-system`, which no other cluster has; empty where it is not told.
        context: The context of the kubeconfig that leads to it.
        withheld: Why the UID is not told; empty where it is, or where the cluster was not asked.
        owners: The owners of what stands there of a network of this name, each with the stack that the object names;
            that is empty on objects of older programs.
        traces: What stands there and tells a genesis, of any owner; empty where the outputs record one.
    """

    uid: str = ""
    context: str = ""
    withheld: str = ""
    owners: frozenset[tuple[str, str]] = frozenset()
    traces: tuple[Trace, ...] = ()


def owner(settings: Settings, stack: str, signing_key: bytes, last: Mapping[str, Any], met: Met) -> str:
    """Who claims the objects, as a label's value; it is the provider's name of the cluster, too, and never changes.

    Args:
        settings: Ours.
        stack: Name of the stack.
        signing_key: The organisation's Ed25519 private key.
        last: The stack's own outputs of the last run; what they record holds.
        met: What stands in the cluster. Stacks of older programs recorded nothing, and keep the owner that stands
            there: its text has the name that the stack had at first. Where outputs are lost, the objects that name this
            stack are its own, whatever it was called at first.
    """
    if recorded := last.get("owner"):
        return str(recorded)
    organisation, fingerprint = settings.organisation, signer(signing_key).partition(":")[2][:8]
    cut = stack[: _LABEL_VALUE - len(organisation) - len(fingerprint) - 2]
    named = f"{organisation}.{cut}.{fingerprint}"
    ours = {each for each, _ in met.owners if _is_of(each, organisation, fingerprint)}
    if last.get("network"):
        return next(iter(ours)) if len(ours) == 1 else named
    own = {each for each, name in met.owners if each in ours and name == stack}
    if len(own) == 1:
        return next(iter(own))
    names = {name for each, name in met.owners if each == named}
    if names and (cut == stack or stack in names):
        return named  # the state is new, and what stands there is of an older program; two long names may be cut alike
    network = {"network": settings.network.name, "namespace": settings.cluster.namespace, "key": signer(signing_key)}
    digest = hashlib.sha256(json.dumps(network, sort_keys=True).encode()).hexdigest()[:_DIGITS]
    return f"{organisation}.{digest}.{fingerprint}"


def is_twin(found: str, own: str) -> bool:
    """Whether another owner has the same organisation and key as ours, and so the same keys for the same nodes.

    Args:
        found: An owner, as its label says.
        own: Ours.
    """
    organisation, _, rest = own.partition(".")
    return found != own and _is_of(found, organisation, rest.rpartition(".")[2])


def _is_of(found: str, organisation: str, fingerprint: str) -> bool:
    return found.startswith(f"{organisation}.") and found.endswith(f".{fingerprint}")


def rivals(settings: Settings, stack: str, own: str, last: Mapping[str, Any], met: Met) -> Iterator[Problem]:
    """Another stack of the same organisation, network and namespace: its objects would be taken for this one's.

    A stack that has run is known by its outputs, under any name. A new one, or one whose state was lost, has to have
    the name that the objects tell.
    """
    named = {name for each, name in met.owners if each == own and name}
    if last or not named or stack in named:
        return
    home, network = settings.cluster.namespace, settings.network.name
    theirs = ", ".join(sorted(named))
    words = (
        f"the network {network} in the namespace {home} belongs to the stack {theirs}, which has the same seed: each "
        "key would run twice."
    )
    cure = (
        f"Run that stack, or choose another network or namespace. If its state is lost and this stack takes its place, "
        f"hand its objects over: kubectl -n {home} annotate secrets,persistentvolumeclaims --overwrite "
        f"-l app.kubernetes.io/instance={network} archipelago/stack={stack}"
    )
    yield Problem("cluster.namespace", words, cure)


def another_cluster(last: Mapping[str, Any], cluster: Cluster, met: Met) -> Problem | None:
    """Why a stack may not go on in the cluster that its context leads to; None where it may.

    Args:
        last: The stack's own outputs of the last run.
        cluster: What the stack file says; its `uid` holds against what the outputs record.
        met: The cluster.
    """
    known = last.get("cluster") or {}
    meant = cluster.uid or known.get("uid") or ""
    if not met.uid or not meant or met.uid == meant:
        return None
    here = f"the context {met.context or cluster.context or '(current)'} leads to the cluster {met.uid}"
    if cluster.uid:
        cure = "Correct archipelago:cluster.context; or the uid, where the context is right."
        return Problem("cluster.uid", f"{here}, and this stack belongs in the cluster {meant}.", cure)
    was = f"{meant} (context {known['context']})" if known.get("context") else meant
    words = f"this stack runs in the cluster {was}, and {here}: each of its keys would run in both."
    cure = (
        "Correct archipelago:cluster.context. To move on purpose, run pulumi destroy in the old cluster first; only "
        f"where that cluster is gone for ever, set archipelago:cluster.uid: {met.uid} "
        "(docs/operations.md, Move to another cluster)."
    )
    return Problem("cluster.context", words, cure)


def record(last: Mapping[str, Any], met: Met) -> dict[str, str]:
    """What the outputs say of the cluster; the context is the one of the run that met it first."""
    known = last.get("cluster") or {}
    if met.uid in ("", known.get("uid")):
        return {key: str(known.get(key) or "") for key in ("uid", "context")}
    return {"uid": met.uid, "context": met.context}
