"""A network's part in one cluster, as a component."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import pulumi

from archipelago.manifests import stack as manifests
from archipelago.manifests.common import Manifest
from archipelago.stack.exchange import Tokens
from archipelago.stack.outputs import ADDRESSED, GRANTED, outputs
from archipelago.stack.plan import StackPlan
from components.identities import identities_of, tokens_of
from components.node import ChainNode
from components.register import register


class ChainNetwork(pulumi.ComponentResource):
    """What one organisation runs of a network.

    Args:
        plan: The stack.
        opts: The provider.
    """

    nodes: tuple[ChainNode, ...]

    def __init__(self, plan: StackPlan, opts: pulumi.ResourceOptions) -> None:
        super().__init__("archipelago:index:ChainNetwork", plan.network, None, opts)
        self._plan = plan
        keep = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        self._spaces = {
            each["metadata"]["name"]: register(each, plan.namespace, keep) for each in manifests.namespaces(plan)
        }
        own = pulumi.ResourceOptions(parent=self)
        common = [self._register(each) for each in manifests.common_services(plan)]
        self.nodes = tuple(ChainNode(plan, node, self._space(plan.namespace_of(node)), own) for node in plan.nodes)
        self._run([*common, *(each for node in self.nodes for each in node.services)])
        for each in manifests.budgets(plan):
            self._register(each)
        self._identities = identities_of(plan, list(self._spaces.values()), own)
        watching: list[pulumi.Resource] = []  # its pod is the last of it
        for each in manifests.watching(plan):
            watching.append(self._register(each, watching if each["kind"] == "Deployment" else ()))
        self.register_outputs({})

    def _space(self, name: str) -> list[pulumi.Resource]:
        """The namespace in which something stands, where this stack makes it; without a name all that it makes."""
        return [made for space, made in self._spaces.items() if name in ("", space)]

    def _register(self, manifest: Manifest, after: Sequence[pulumi.Resource] = ()) -> pulumi.Resource:
        space = self._space(manifest["metadata"].get("namespace", ""))
        opts = pulumi.ResourceOptions(parent=self, depends_on=[*space, *after])
        return register(manifest, self._plan.namespace, opts)

    def _run(self, services: Sequence[pulumi.Resource]) -> None:
        """Register what all nodes share, and their workloads once all Services are there.

        A process may look its peers' names up once, when it starts, and end where one is not there. No workload depends
        on each Service, or the state would grow with the square of the nodes: one genesis does, and all of them on it.
        It never changes, so that a Service that does not come up holds back no list of peers.
        """
        shared: dict[str, list[pulumi.Resource]] = {}
        gate: list[pulumi.Resource] = []
        for each in manifests.shared(self._plan):
            made = self._register(each, () if gate else services)
            gate = gate or [made]
            shared.setdefault(each["metadata"]["namespace"], []).append(made)
        previous: pulumi.Resource | None = None
        for node, made in zip(self._plan.nodes, self.nodes, strict=True):
            needed = [*gate, *shared.get(self._plan.namespace_of(node), [])]
            # On a running network one node after another: never are two of ours away at once, and a bad change stops at
            # the first. A new node waits for nobody, and nobody for its first sync. A preview restarts nothing.
            if node.name in self._plan.one_by_one and not pulumi.runtime.is_dry_run():
                previous = made.run(needed, previous) or previous  # one that waits now has none
            else:
                made.run(needed)

    def outputs(self) -> dict[str, Any]:
        """What the stack exports, once the cluster has told its addresses."""
        plan = self._plan

        def complete(endpoints: list[Any], tokens: Tokens | None = None) -> dict[str, Any]:
            pairs = zip(plan.records, endpoints, strict=True)
            return outputs(plan, [record.model_copy(update={"endpoints": given}) for record, given in pairs], tokens)

        endpoints = pulumi.Output.all(*(node.endpoints for node in self.nodes))
        # only what names an address waits for the cluster: the rest of a preview shows what it will be
        plain = outputs(plan, plan.records)
        told = plain | {name: endpoints.apply(complete).apply(itemgetter(name)) for name in ADDRESSED if name in plain}
        keys, tokens = tokens_of(self._identities)
        if keys:
            both = pulumi.Output.all(endpoints, tokens).apply(
                lambda given: complete(given[0], dict(zip(keys, given[1], strict=True)))
            )
            # no token leaves `complete` but sealed
            told |= {name: pulumi.Output.unsecret(both.apply(itemgetter(name))) for name in GRANTED}
        return told
