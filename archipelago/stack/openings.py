"""What partners' names open: a policy knows addresses, so the port of a host name is open to anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from archipelago.foreign_text import quoted
from archipelago.model.endpoint import Reach
from archipelago.model.plan import NodePlan
from archipelago.model.record import ExternalNode
from archipelago.profiles import limits
from archipelago.settings.read import Settings
from archipelago.stack.partners import Import

_TOLD = 5  # names in one warning


def warnings(settings: Settings, imports: Iterable[Import], plans: Iterable[NodePlan]) -> Iterator[str]:
    """Partners whose host names open ports to anywhere that are not open anyway.

    Args:
        settings: Ours.
        imports: What partners gave.
        plans: Our nodes; the numbers of their own ports are open to anywhere.
    """
    if not settings.cluster.network_policies:
        return
    nodes = tuple(plans)
    open_anyway = _open_anyway(nodes)
    for given in imports:
        ends = [end for node in given.nodes for end in node.endpoints.values() if end.named]
        ports = sorted({end.port for end in ends} - open_anyway)
        if ports and nodes:
            hosts = sorted({end.host for end in ends if end.port in ports})
            more = f" and {len(hosts) - _TOLD} more" if len(hosts) > _TOLD else ""
            yield (
                f"{given.title} is dialled by name ({', '.join(map(quoted, hosts[:_TOLD]))}{more}), and a "
                f"policy knows addresses alone: our nodes may reach {_listed(ports)} anywhere. Ask {given.name} for "
                "addresses if that is too much."
            )


def closed(settings: Settings, strangers: Sequence[ExternalNode], plans: Iterable[NodePlan]) -> Iterator[str]:
    """Nodes of organisations that are no partners whose host names open nothing: the stack file does not name them.

    Args:
        settings: Ours.
        strangers: What is dialled because relays told of it.
        plans: Our nodes.
    """
    if not settings.cluster.network_policies:
        return
    open_anyway = _open_anyway(plans)
    ends = ((node, end) for node in strangers for end in node.endpoints.values())
    names = list(dict.fromkeys(str(node) for node, end in ends if end.named and end.port not in open_anyway))
    if names:
        yield (
            f"{limits.named(names, 'member')} dialled by name and of organisations that are no partners: as a policy "
            "knows addresses alone, it opens nothing for them. Ask for addresses, or list the organisation under "
            "archipelago:partners."
        )


def _open_anyway(plans: Iterable[NodePlan]) -> set[int]:
    nodes = tuple(plans)
    shared = {port.number for node in nodes for port in node.service.ports if port.reach is Reach.PARTNERS}
    return shared | {number for node in nodes for number in node.dials}


def _listed(ports: list[int]) -> str:
    some = ", ".join(map(str, ports[:_TOLD]))
    return f"port {some}" if len(ports) == 1 else f"{len(ports)} ports ({some}{', …' if len(ports) > _TOLD else ''})"
