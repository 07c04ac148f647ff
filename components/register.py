"""Manifests into registered resources, one to one.

By their type tokens and not by the classes of `pulumi_kubernetes`: those would translate every key to Python's spelling
and back, and importing them costs a second and 85 MB at each run.
"""

from __future__ import annotations

import pulumi

from archipelago.manifests.common import Manifest, full_name, managed

_PRIVATE, _TOLD = "stringData", "data"


def register(manifest: Manifest, home: str, opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """Register one Kubernetes object. Its logical name, and so its URN, is its name in Kubernetes: frozen once landed.

    Args:
        manifest: What `archipelago.manifests` built.
        home: The stack's own namespace; the logical name of what stands in another one begins with that namespace.
        opts: Parent, order and retention.

    Returns:
        The resource, with an output for each top-level key of the manifest, `status`, and of a Secret `data`.
    """
    version = manifest["apiVersion"]
    token = f"kubernetes:{version if '/' in version else f'core/{version}'}:{manifest['kind']}"
    inputs = {**managed(manifest), "status": None}
    if _PRIVATE in inputs:
        inputs[_PRIVATE] = pulumi.Output.secret(inputs[_PRIVATE])
    if manifest["kind"] == "Secret":
        inputs.setdefault(_TOLD, None)
        # the provider's answer holds them again, encoded; or what the cluster has put there
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=[_TOLD, _PRIVATE]))
    return pulumi.CustomResource(token, full_name(manifest, home), inputs, opts)
