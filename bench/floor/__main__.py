"""The floor: registers ready-made dictionaries with the provider settings of the real program, and does nothing else.

No components, no partners, no plan. The Namespace comes first, and a workload after the objects of its node: without
that its pod waits in vain for a claim, and `up` takes twice as long. By type tokens, as ours: the classes of
`pulumi_kubernetes` would only raise the floor.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

import pulumi


def register(manifest: dict[str, Any], opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """Register one object; a Secret's content is secret here too, or the state would be cheaper to write."""
    version = manifest["apiVersion"]
    token = f"kubernetes:{version if '/' in version else f'core/{version}'}:{manifest['kind']}"
    if "stringData" in manifest:
        manifest = {**manifest, "stringData": pulumi.Output.secret(manifest["stringData"])}
        opts = pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(additional_secret_outputs=["data", "stringData"])
        )
    return pulumi.CustomResource(token, manifest["metadata"]["name"], manifest, opts)


def cluster(config: pulumi.Config) -> pulumi.ProviderResource:
    """The provider."""
    inputs = {
        "context": config.require("context"),
        "clusterIdentifier": config.require("owner"),
        "enableConfigMapMutable": json.dumps(True),
        "enableSecretMutable": json.dumps(True),
        "kubeClientSettings": json.dumps({"qps": 1000, "burst": 2000}),
    }
    opts = pulumi.ResourceOptions(version=importlib.metadata.version("pulumi-kubernetes"))
    return pulumi.ProviderResource("kubernetes", "cluster", inputs, opts)


def main() -> None:
    """Register every dictionary of the file."""
    config = pulumi.Config("floor")
    provider = cluster(config)
    namespace, *others = json.loads(Path(config.require("manifests")).read_text())
    first = register(namespace, pulumi.ResourceOptions(provider=provider))
    before = [first]
    for manifest in others:
        runs = manifest["kind"] == "StatefulSet"
        made = register(manifest, pulumi.ResourceOptions(provider=provider, depends_on=before if runs else [first]))
        before = [first] if runs else [*before, made]


main()
