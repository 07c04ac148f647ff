"""What a pod is told beside its containers: where it may run, as whom, and what others look for on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

USER = 1000


@dataclass(frozen=True, slots=True)
class Security:
    """As whom a pod's processes run; never as root, and with no more rights than that.

    Args:
        user: Uid; None where the namespace gives one.
        group: Gid; None where the namespace or the image says it.
        volumes: Gid of the files on volumes; None where the namespace gives one.
        more_groups: Other gids that they have, as for a share of files.
        change: When files of a volume get that gid: `OnRootMismatch` or `Always`.
    """

    user: int | None = USER
    group: int | None = USER
    volumes: int | None = USER
    more_groups: tuple[int, ...] = ()
    change: str = "OnRootMismatch"


@dataclass(frozen=True, slots=True)
class PodOptions:
    """What the stack file says of a pod.

    Args:
        pull_secrets: Names of Secrets with the registries' passwords.
        labels: More labels of the pod and its workload.
        annotations: More annotations of the pod.
        priority_class: Its PriorityClass; empty for the cluster's default.
        service_account: Its ServiceAccount, whose token it does not get; empty for the namespace's default.
        node_selector: Labels of the machines that it may run on.
        tolerations: Taints that it bears, in Kubernetes' words.
        affinity: In Kubernetes' words; a part of it takes the place of ours.
        security: As whom it runs.
    """

    pull_secrets: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    priority_class: str = ""
    service_account: str = ""
    node_selector: Mapping[str, str | None] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Any], ...] = ()
    affinity: Mapping[str, Any] = field(default_factory=dict)
    security: Security = field(default_factory=Security)
