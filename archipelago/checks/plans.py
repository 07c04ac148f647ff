"""What is wrong with the plans of a stack's nodes together, and no field of the stack file tells alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from archipelago.model import names
from archipelago.model.plan import NodePlan, Service
from archipelago.model.record import LARGEST_FILE
from archipelago.problems import Problem
from archipelago.profiles.limits import size_of
from archipelago.settings.read import Settings


def problems(plans: Iterable[NodePlan], services: Iterable[Service], settings: Settings) -> Iterator[Problem]:
    """Names that two objects would share, or that Kubernetes would not take.

    Args:
        plans: Of all nodes.
        services: Services that any of them answers.
        settings: Ours.
    """
    home = settings.cluster.namespace
    taken = {(home, "Service", each.name): "" for each in services}
    for plan in plans:
        path, namespace = settings.path_of(plan.name), plan.namespace or home
        made = [("workload", plan.object_name), *(("Service", each.name) for each in plan.services)]
        for kind, name in made:
            first = taken.setdefault((namespace, kind, name), path)
            if first != path:
                words = f"its {kind} would be named {name}, as that of archipelago:{first or 'network'} is."
                yield Problem(path, words, "Choose another name for one of the two.")
            longest = names.LONGEST_STATEFUL if plan.stateful and kind == "workload" else names.LONGEST
            if (excess := len(name) - longest) > 0:
                words = f"its {kind} would be named {name}, {excess} characters too long."
                yield Problem(path, words, "Shorten the node's name.")


def too_large(live_files: Mapping[str, str], most: str) -> Iterator[Problem]:
    """More files than a ConfigMap holds: Kubernetes would refuse it after other objects had changed.

    Args:
        live_files: What the ConfigMap of peers holds, by key.
        most: The partner that has grown most since the last run; empty where none has.
    """
    if (size := size_of(live_files)) <= LARGEST_FILE:
        return
    path = f"partners.{most}" if most else ""
    words = f"the ConfigMap of peers must have at most {LARGEST_FILE} bytes, got {size}"
    words += f"; no other partner's nodes have grown as much as those of {most} since the last run." if most else "."
    yield Problem(path, words, f"Ask {most} for fewer nodes." if most else "Run fewer nodes in this stack.")
