"""A network's part in one cluster, as a component."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import pulumi

from archipelago.manifests import stack as manifests
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
        after = [register(each, plan.namespace, keep) for each in manifests.namespaces(plan)]
        child = pulumi.ResourceOptions(parent=self, depends_on=after)
        shared = [register(each, plan.namespace, child) for each in manifests.shared(plan)]
        before = [*after, *shared]
        own = pulumi.ResourceOptions(parent=self)
        self.nodes = tuple(ChainNode(plan, node, before, own) for node in plan.nodes)
        # A process may look its peers' names up once, when it starts, and end where one is not there.
        services = [each for node in self.nodes for each in node.services]
        previous: pulumi.Resource | None = None
        for node, made in zip(plan.nodes, self.nodes, strict=True):
            # On a running network one node after another: never are two of ours away at once, and a bad change stops at
            # the first. A new node waits for nobody, and nobody for its first sync.
            if node.name in plan.one_by_one:
                previous = made.run(services, previous)
            else:
                made.run(services)
        self._identities = identities_of(plan, after, own)
        watching: list[pulumi.Resource] = []  # its pod is the last of it
        for each in manifests.watching(plan):
            after_all = [*after, *watching] if each["kind"] == "Deployment" else after
            watching.append(register(each, plan.namespace, pulumi.ResourceOptions(parent=self, depends_on=after_all)))
        self.register_outputs({})

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
