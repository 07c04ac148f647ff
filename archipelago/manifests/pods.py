"""What a pod is told beside its containers: machines, users, registries, labels."""

from __future__ import annotations

import json

from archipelago.manifests.common import Manifest
from archipelago.model.pod import PodOptions, Security

_ARCHITECTURE = "kubernetes.io/arch"


def security(given: Security) -> Manifest:
    """A pod's security context; what is None the namespace decides."""
    ids = {"runAsUser": given.user, "runAsGroup": given.group, "fsGroup": given.volumes}
    groups = {"supplementalGroups": list(given.more_groups)} if given.more_groups else {}
    return {
        "runAsNonRoot": True,
        **{key: value for key, value in ids.items() if value is not None},
        **groups,
        "fsGroupChangePolicy": given.change,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


POD_SECURITY = security(Security())
"""Of a pod of which the stack file says nothing."""


def options(given: PodOptions, architecture: str = "") -> Manifest:
    """Parts of a pod's spec that are there only where the stack file or an image asks for them.

    Args:
        given: What the stack file says.
        architecture: Of the machines that the images run on; empty for any. Where the stack file says one, its own.
    """
    wanted: dict[str, str | None] = dict(given.node_selector)
    if architecture and _ARCHITECTURE not in json.dumps(given.affinity.get("nodeAffinity", {})):
        wanted.setdefault(_ARCHITECTURE, architecture)
    made: Manifest = {
        "imagePullSecrets": [{"name": name} for name in given.pull_secrets],
        "priorityClassName": given.priority_class,
        "serviceAccountName": given.service_account,
        "nodeSelector": {key: value for key, value in wanted.items() if value is not None},
        "tolerations": [dict(each) for each in given.tolerations],
    }
    return {key: value for key, value in made.items() if value}
