"""Manifests into registered resources, one to one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import ConfigMap, Namespace, PersistentVolumeClaim, Secret, Service

from archipelago.manifests.common import Manifest

_KINDS: Mapping[str, Any] = {
    each.__name__: each for each in (ConfigMap, Deployment, Namespace, PersistentVolumeClaim, Secret, Service)
}
_PRIVATE = ("stringData", "data")


def register(manifest: Manifest, opts: pulumi.ResourceOptions) -> Any:
    """Register one Kubernetes object. Its logical name, and so its URN, is its name in Kubernetes: frozen once landed.

    Args:
        manifest: What `archipelago.manifests` built.
        opts: Parent, order and retention.

    Returns:
        The resource, of the class that its kind names.
    """
    kind = manifest["kind"]
    fields = {_snake(key): value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
    if kind == "Secret":
        for key in map(_snake, _PRIVATE):
            if key in fields:
                fields[key] = pulumi.Output.secret(fields[key])
    return _KINDS[kind](manifest["metadata"]["name"], opts=opts, **fields)


def _snake(key: str) -> str:
    return re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), key)
