"""The floor: registers ready-made dictionaries with the provider settings of the real program, and does nothing else.

No components, no partners, no plan. The Namespace comes first, and a Deployment after the objects of its node: without
that its pod waits in vain for a claim, and `up` takes twice as long.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import ConfigMap, Namespace, PersistentVolumeClaim, Secret, Service

_KINDS: dict[str, Any] = {
    each.__name__: each for each in (ConfigMap, Deployment, Namespace, PersistentVolumeClaim, Secret, Service)
}


def register(manifest: dict[str, Any], opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """Register one object; a Secret's content is secret here too, or the state would be cheaper to write."""
    fields = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind", "stringData")}
    if "stringData" in manifest:
        fields["string_data"] = pulumi.Output.secret(manifest["stringData"])
    made: pulumi.Resource = _KINDS[manifest["kind"]](manifest["metadata"]["name"], opts=opts, **fields)
    return made


def main() -> None:
    """Register every dictionary of the file."""
    config = pulumi.Config("floor")
    provider = kubernetes.Provider(
        "cluster",
        context=config.require("context"),
        cluster_identifier=config.require("owner"),
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        kube_client_settings={"qps": 1000, "burst": 2000},
    )
    namespace, *others = json.loads(Path(config.require("manifests")).read_text())
    first = register(namespace, pulumi.ResourceOptions(provider=provider))
    before = [first]
    for manifest in others:
        runs = manifest["kind"] == "Deployment"
        made = register(manifest, pulumi.ResourceOptions(provider=provider, depends_on=before if runs else [first]))
        before = [first] if runs else [*before, made]


main()
