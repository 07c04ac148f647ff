"""Manifests into registered resources, one to one.

By their type tokens and not by the classes of `pulumi_kubernetes`: those would translate every key to Python's spelling
and back, and importing them costs a second and 85 MB at each run.
"""

from __future__ import annotations

from typing import Any

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


def done(resource: pulumi.Resource) -> Any:
    """What a resource waits for in `depends_on` where another one has to be done first, and no more is between them.

    The SDK looks for a circle through all that a dependency depends on, again for each one, and recursively: as a chain
    of dependencies some 490 nodes end in a RecursionError, and the cost grows with the square of the nodes.

    Args:
        resource: What has to be done first.

    Returns:
        An entry of `depends_on` that names no resource, and is there once that one is registered.
    """

    async def registered() -> None:
        await resource.urn.future()

    return pulumi.Output.from_input(registered())
