"""One node of a network, as a component."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi

from archipelago.manifests import stack as manifests
from archipelago.manifests.common import Manifest
from archipelago.manifests.workload import KINDS, waits_for_endpoints
from archipelago.model.plan import NodePlan
from archipelago.stack.plan import StackPlan
from components.endpoints import Endpoints, endpoints_of
from components.register import done, register

# The only places that an endpoint reaches: everything else of an object stays readable in the first preview.
_REACHED = {"ConfigMap": ("data",), **dict.fromkeys(KINDS, ("spec", "template", "metadata", "annotations"))}


def _replacing(kind: str) -> pulumi.ResourceOptions:
    """How a workload takes the place of one of the other kind: in its turn, and once the pod of that one has ended.

    Without the alias they would be two resources: the new one would be made first, beside the old one's pod.
    """
    (other,) = set(KINDS) - {kind}
    return pulumi.ResourceOptions(
        aliases=[pulumi.Alias(type_=f"kubernetes:apps/v1:{other}")],
        delete_before_replace=True,
        replace_on_changes=["kind"],
    )


class ChainNode(pulumi.ComponentResource):
    """One node: identity, storage, Services, and once `run` is called the pod that runs it.

    Args:
        plan: The stack.
        node: The node.
        after: What has to be there before anything of it.
        opts: Parent and provider.
    """

    services: tuple[pulumi.Resource, ...]
    endpoints: pulumi.Output[Endpoints]

    def __init__(
        self, plan: StackPlan, node: NodePlan, after: Sequence[pulumi.Resource], opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("archipelago:index:ChainNode", node.object_name, None, opts)
        self._plan, self._node = plan, node
        self._after = after
        keep = pulumi.ResourceOptions(parent=self, depends_on=after, retain_on_delete=True)
        stored = [register(each, plan.namespace, keep) for each in manifests.stored(plan, node)]
        plain = pulumi.ResourceOptions(parent=self, depends_on=after)
        reached = [register(each, plan.namespace, plain) for each in manifests.services(plan, node)]
        self._before: list[Any] = [*after, *stored, *reached]
        self.services = tuple(reached)
        self.endpoints = endpoints_of(node.service, reached[0], plan.hosts, plan.settings.cluster.node_port_range)

    def run(self, shared: Sequence[pulumi.Resource], previous: pulumi.Resource | None = None) -> pulumi.Resource | None:
        """Register the node's keys, its files and what runs it.

        A pod reads keys and files when it starts, whyever it does. So they change in the node's turn: where a run stops
        at a node, those after it keep what they were started with.

        Args:
            shared: What all nodes share and has to be there before it starts.
            previous: The workload whose update has to be done before anything of this node's begins.

        Returns:
            Its workload; None while the stack waits.
        """
        plan, node = self._plan, self._node
        turn = [done(previous)] if previous else []
        keep = pulumi.ResourceOptions(parent=self, depends_on=[*self._after, *turn], retain_on_delete=True)
        # everything else comes after the keys, and so in the node's turn
        before = [*self._before, *(register(each, plan.namespace, keep) for each in manifests.secrets(plan, node))]
        workload: pulumi.Resource | None = None
        for index, manifest in enumerate(manifests.running(plan, node, node.service.endpoints())):
            if waits_for_endpoints(node) or node.service.asks:
                self._fill(manifest, index)
            if manifest["kind"] in KINDS:
                before = [*before, *shared, *turn]
            opts = pulumi.ResourceOptions(parent=self, depends_on=before)
            if manifest["kind"] in KINDS:
                opts = pulumi.ResourceOptions.merge(opts, _replacing(manifest["kind"]))
            workload = register(manifest, plan.namespace, opts)
            before = [*before, workload]
        self.register_outputs({})
        return workload

    def _fill(self, manifest: Manifest, index: int) -> None:
        """Put what the cluster will tell in the places that it reaches."""
        *way, last = _REACHED[manifest["kind"]]

        def told(endpoints: Endpoints) -> Any:
            place: Any = list(manifests.running(self._plan, self._node, endpoints))[index]
            for step in (*way, last):
                place = place[step]
            return place

        place = manifest
        for step in way:
            place = place[step]
        place[last] = self.endpoints.apply(told)
