"""One node of a network, as a component."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi

from archipelago.manifests import stack as manifests
from archipelago.manifests.common import Manifest
from archipelago.manifests.workload import waits_for_endpoints
from archipelago.model.plan import NodePlan
from archipelago.stack.plan import StackPlan
from components.endpoints import Endpoints, endpoints_of
from components.register import register

# The only places that an endpoint reaches: everything else of an object stays readable in the first preview.
_REACHED = {"ConfigMap": ("data",), "Deployment": ("spec", "template", "metadata", "annotations")}


class ChainNode(pulumi.ComponentResource):
    """One node: identity, storage, Services and the pod that runs it.

    Args:
        plan: The stack.
        node: The node.
        after: What has to be there before anything of it.
        previous: The node whose update has to be done before this one's begins.
        opts: Parent and provider.
    """

    endpoints: pulumi.Output[Endpoints]
    workload: pulumi.Resource | None

    def __init__(
        self,
        plan: StackPlan,
        node: NodePlan,
        after: Sequence[pulumi.Resource],
        previous: pulumi.Resource | None,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("archipelago:index:ChainNode", node.object_name, None, opts)
        keep = pulumi.ResourceOptions(parent=self, depends_on=after, retain_on_delete=True)
        made = [register(each, keep) for each in manifests.kept(plan, node)]
        plain = pulumi.ResourceOptions(parent=self, depends_on=after)
        services = [register(each, plain) for each in manifests.services(plan, node)]
        self.endpoints = endpoints_of(node.service, services[0])
        made += services
        self.workload = None
        for index, manifest in enumerate(manifests.running(plan, node, node.service.endpoints())):
            if waits_for_endpoints(node):
                self._fill(manifest, plan, node, index)
            before = [*after, *made, *([previous] if previous and manifest["kind"] == "Deployment" else [])]
            self.workload = register(manifest, pulumi.ResourceOptions(parent=self, depends_on=before))
            made.append(self.workload)
        self.register_outputs({})

    def _fill(self, manifest: Manifest, plan: StackPlan, node: NodePlan, index: int) -> None:
        """Put what the cluster will tell in the places that it reaches."""
        *way, last = _REACHED[manifest["kind"]]

        def told(endpoints: Endpoints) -> Any:
            place: Any = list(manifests.running(plan, node, endpoints))[index]
            for step in (*way, last):
                place = place[step]
            return place

        place = manifest
        for step in way:
            place = place[step]
        place[last] = self.endpoints.apply(told)
