"""Several organisations' stacks and their outputs, run one after another as `pulumi up` would, without the engine."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from archipelago.manifests.common import Manifest, full_name
from archipelago.manifests.stack import manifests, running
from archipelago.stack.plan import StackPlan
from tests.stacks import STACKS, Config, crossed, floats, given_endpoints, outputs_of, plan_of

MANAGED = {"pulumi.com/patchFieldManager": "archipelago", "pulumi.com/patchForce": "true"}
"""Annotations of every object."""


class World:
    """Stacks by organisation, and what each has exported last.

    Args:
        plan: How a stack is planned: of its configuration, what it received, and its own last outputs.
        configs: A configuration by organisation.
    """

    def __init__(self, plan: Callable[..., StackPlan] = plan_of, /, **configs: Config) -> None:
        self.configs = configs
        self._plan_of = plan
        self.outputs: dict[str, dict[str, Any]] = {}
        self.plans: dict[str, StackPlan] = {}

    def copied(self) -> World:
        """Another world that is as this one is now."""
        made = World(self._plan_of, **copy.deepcopy(self.configs))
        made.outputs, made.plans = copy.deepcopy(self.outputs), dict(self.plans)
        return made

    def plan(self, organisation: str) -> StackPlan:
        """What a preview of this stack shows now."""
        received: dict[str, Mapping[str, Any] | None] = {
            other: crossed(self.outputs[other]) if other in self.outputs else None
            for other in {**STACKS, **self.outputs}
            if other != organisation
        }
        return self._plan_of(self.configs[organisation], received, floats(self.outputs.get(organisation, {})))

    def up(self, *organisations: str) -> StackPlan:
        """Run stacks one after another; the last one's plan."""
        for organisation in organisations:
            self.plans[organisation] = self.plan(organisation)
            self.outputs[organisation] = outputs_of(self.plans[organisation])
        return self.plans[organisations[-1]]

    def settled(self) -> bool:
        """Whether another run of any stack would change nothing, outputs included."""
        for organisation, before in self.plans.items():
            again = self.plan(organisation)
            if objects(again) != objects(before) or outputs_of(again) != self.outputs[organisation]:
                return False
        return True


def uncounted(outputs: Mapping[str, Any]) -> Any:
    """Outputs without what tells how often something has changed: editions, and the signatures over them."""
    if isinstance(outputs, Mapping):
        return {key: uncounted(value) for key, value in outputs.items() if key not in ("edition", "signature")}
    return outputs


def objects(plan: StackPlan) -> dict[tuple[str, str], Manifest]:
    """A stack's objects by kind and name."""
    listed = list(manifests(plan))
    found = {(each["kind"], full_name(each, plan.namespace)): each for each in listed}
    assert len(found) == len(listed), "two objects share a kind and a name"
    return found


def of_kind(plan: StackPlan, kind: str) -> dict[str, Manifest]:
    """A stack's objects of one kind, by name alone."""
    return {each["metadata"]["name"]: each for each in manifests(plan) if each["kind"] == kind}


def registered(plan: StackPlan) -> list[Manifest]:
    """A stack's objects as they stand in its cluster, which has told the endpoints of its nodes."""
    ran = [each for node in plan.nodes for each in running(plan, node, given_endpoints(node))]
    told = {(each["kind"], each["metadata"]["namespace"], each["metadata"]["name"]): each for each in ran}
    listed = manifests(plan)
    return [
        told.get((each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]), each) for each in listed
    ]


def difference(before: StackPlan, after: StackPlan) -> set[tuple[str, str]]:
    """Kind and name of every object that is added, removed or changed."""
    old, new = objects(before), objects(after)
    return {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
