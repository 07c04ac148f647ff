"""No script of a pod is made of data: it is the same in every stack, and gets what differs as arguments and files."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from archipelago.stack.plan import StackPlan
from tests import cita, ipfs, stacks

pytestmark = pytest.mark.unit

Plan = Callable[[str, str], StackPlan]


def goquorum(organisation: str, name: str) -> StackPlan:
    """A stack under other names."""
    config = stacks.alpha({"organisation": organisation, "network.name": name, "partners": {}})
    config["nodes"] = {f"{name}-{each}": node for each, node in config["nodes"].items()}
    return stacks.plan_of(config)


def swarm(organisation: str, name: str) -> StackPlan:
    """One with a member of another swarm, who has bootstraps and another port."""
    config = ipfs.alpha({"organisation": organisation, "network.name": name, "partners": {}})
    member = {"apiPort": 5000 + len(name), "bootstrap": [f"/dns4/{name}.example/tcp/4001/p2p/{ipfs.PEER}"]}
    return ipfs.plan_of(config | {"pools": {organisation: {"swarms": {name: member}}}})


def chain(organisation: str, name: str) -> StackPlan:
    """A chain under other names."""
    return cita.plan_of(cita.local({"organisation": organisation, "network.name": name}))


def scripts(plan: StackPlan) -> Iterator[tuple[str, str]]:
    """What shells of a pod run, by container; a probe's, too."""
    for node in plan.nodes:
        for each in (*node.init, *node.containers):
            probes = [probe.command for probe in (each.readiness, each.liveness, each.startup) if probe]
            for number, command in enumerate((each.command, *probes)):
                if command[:2] == ("sh", "-c"):
                    yield f"{each.name} {number}", command[2]


@pytest.mark.parametrize("plan", [goquorum, swarm, chain])
def test_c1_a_script_is_the_same_in_every_stack(plan: Plan) -> None:
    """A script that is made of names or addresses runs whatever stands in them."""
    one, other = (set(scripts(plan(*names))) for names in (("alpha", "first"), ("beta", "second")))
    assert one == other
    assert len(one) >= 3


@pytest.mark.parametrize("plan", [goquorum, swarm, chain])
def test_c1_no_script_makes_another_one_of_data(plan: Plan) -> None:
    """sed and awk read escapes and commands in what they get as code; arguments and files are read as they are."""
    for container, script in scripts(plan("alpha", "first")):
        assert not [each for each in ("eval ", "sed -f", "awk -v", "xargs") if each in script], container
