"""Nodes that would start as another user than the one whose files are on their volumes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archipelago.manifests.common import NODE, Manifest
from archipelago.manifests.workload import KINDS
from archipelago.problems import Problem
from archipelago.stack.plan import StackPlan
from operate.rollouts import Workloads


def others(plan: StackPlan, wanted: Sequence[Manifest], there: Workloads) -> Iterator[Problem]:
    """Nodes that could not write what they wrote before.

    kubelet gives files to the group of a volume, and lets it write, when that group changes, or always where it is told
    so; else the files are those of the uid that made them.

    Args:
        plan: The stack.
        wanted: Every object of the stack.
        there: What runs.
    """
    for each in wanted:
        node = each["metadata"].get("labels", {}).get(NODE, "")
        if each["kind"] not in KINDS or node not in there:
            continue
        before, after = (pod["spec"]["template"]["spec"].get("securityContext") or {} for pod in (there[node], each))
        was, would = before.get("runAsUser"), after.get("runAsUser")
        taken_over = before.get("fsGroup") != after.get("fsGroup") or after.get("fsGroupChangePolicy") == "Always"
        if was is None or was == would or taken_over:
            continue
        path = f"{plan.settings.path_of(node)}.securityContext.runAsUser"
        words = f"must be {was}, got {would or 'one of the namespace'}: the files on the node's volume are that user's."
        cure = (
            f"Write {was}; or add fsGroupChangePolicy: Always there, by which Kubernetes lets the volume's group read "
            "and write all of them (not on NFS, where the server has to do it)."
        )
        yield Problem(path, words, cure)
