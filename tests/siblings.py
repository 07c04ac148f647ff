"""Two stacks of alpha, `east` and `west`, in a cluster each, and beta, which names one of them: without an engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archipelago.stack.converge import Written
from archipelago.stack.plan import StackPlan
from tests.stacks import Config, alpha, beta, changed, crossed, floats, outputs_of, plan_of, settings_of

PLACE = "organization/archipelago/"
FOUND_BY_BOTH = {
    "network.genesis": {"validators": ["quorum-node1", "quorum-node2", "quorum-node3", "alpha/west-node1"]}
}


def east(changes: Mapping[str, Any] | None = None) -> Config:
    """alpha's first stack, which founds the network."""
    return changed(alpha({"siblings": {"west": {"stack": f"{PLACE}west", "required": False}}}), changes or {})


def west(changes: Mapping[str, Any] | None = None) -> Config:
    """Its second one, which joins its own organisation's network: two nodes, one of them a validator."""
    config = alpha(
        {
            "cluster": {"context": "cluster-w", "namespace": "consortium", "address": "203.0.113.77"},
            "network": {
                "kind": "goquorum",
                "name": "consortium",
                "joins": "alpha",
                "privacy": {"manager": "tessera", "version": "22.1.7"},
            },
            "defaults": {},
            "nodes": {"west-node1": {"validator": True}, "west-node2": {}},
            "siblings": {"east": {"stack": f"{PLACE}east"}},
        }
    )
    return changed(config, changes or {})


def joiner(changes: Mapping[str, Any] | None = None) -> Config:
    """beta, which names alpha's first stack alone."""
    return changed(beta({"partners.alpha.stack": f"{PLACE}east"}), changes or {})


class Family:
    """Stacks by name, and what each has exported last.

    Args:
        stacks: A configuration by stack; a partner's or sibling's `stack` names one of them.
    """

    def __init__(self, **stacks: Config) -> None:
        self.configs = stacks
        self.outputs: dict[str, dict[str, Any]] = {}
        self.plans: dict[str, StackPlan] = {}

    def received(self, name: str) -> dict[str, Mapping[str, Any] | None]:
        """What the stacks that this one names hand over."""
        config = self.configs[name]
        sources = {**config.get("partners", {}), **config.get("siblings", {})}
        named = {source: each["stack"].rpartition("/")[2] for source, each in sources.items()}
        return {
            source: crossed(self.outputs[stack]) if stack in self.outputs else None for source, stack in named.items()
        }

    def plan(self, name: str) -> StackPlan:
        """What a preview of this stack shows now."""
        return plan_of(self.configs[name], self.received(name), floats(self.outputs.get(name, {})))

    def up(self, *names: str) -> StackPlan:
        """Run stacks one after another; the last one's plan."""
        for name in names:
            self.plans[name] = self.plan(name)
            self.outputs[name] = outputs_of(self.plans[name])
        return self.plans[names[-1]]

    def unsettled(self) -> list[str]:
        """Stacks whose outputs another run would change."""
        return [name for name in self.plans if outputs_of(self.plan(name)) != self.outputs[name]]


def family(founding: dict[str, Any] | None = None, **changes: dict[str, Any]) -> Family:
    """Both of alpha's and beta's, with changes by stack, and of `east` also what is to be founded."""
    made = {
        "east": east({**(founding or {}), **changes.get("east", {}), "partners.beta.stack": f"{PLACE}beta"}),
        "west": west({**changes.get("west", {}), "partners.beta.stack": f"{PLACE}beta"}),
        "beta": joiner(changes.get("beta")),
    }
    return Family(**made)


def settled(founding: dict[str, Any] | None = None) -> Family:
    """The three after four runs of each."""
    world = family(founding)
    world.up(*("east", "west", "beta") * 4)
    return world


def written(name: str, config: Config, chain: Any, root: Any) -> Written:
    """A stack for `converge`."""
    return Written(name, settings_of(config), chain, root, f"Pulumi.{name}.yaml")
