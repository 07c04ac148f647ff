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


def register(logical_name: str, manifest: Manifest, opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """Register one Kubernetes object.

    Args:
        logical_name: Part of its URN; frozen once landed, because another one is another object.
        manifest: What `archipelago.manifests` built.
        opts: Parent, order and retention.
    """
    kind = manifest["kind"]
    fields = {_snake(key): value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
    if kind == "Secret":
        for key in map(_snake, _PRIVATE):
            if key in fields:
                fields[key] = pulumi.Output.secret(fields[key])
    made: pulumi.CustomResource = _KINDS[kind](logical_name, opts=opts, **fields)
    return made


def _snake(key: str) -> str:
    return re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), key)
