"""What partners' names open: a policy knows addresses, so the port of a host name is open to anywhere."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from archipelago.foreign_text import quoted
from archipelago.model.endpoint import Reach
from archipelago.model.plan import NodePlan
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
    open_anyway = {port.number for node in nodes for port in node.service.ports if port.reach is Reach.PARTNERS}
    open_anyway |= {number for node in nodes for number in node.dials}
    for given in imports:
        ends = [end for node in given.nodes for end in node.endpoints.values() if not _is_address(end.host)]
        ports = sorted({end.port for end in ends} - open_anyway)
        if ports and nodes:
            hosts = sorted({end.host for end in ends if end.port in ports})
            more = f" and {len(hosts) - _TOLD} more" if len(hosts) > _TOLD else ""
            yield (
                f"Partner {given.name} is dialled by name ({', '.join(map(quoted, hosts[:_TOLD]))}{more}), and a "
                f"policy knows addresses alone: our nodes may reach {_listed(ports)} anywhere. Ask {given.name} for "
                "addresses if that is too much."
            )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _listed(ports: list[int]) -> str:
    some = ", ".join(map(str, ports[:_TOLD]))
    return f"port {some}" if len(ports) == 1 else f"{len(ports)} ports ({some}{', …' if len(ports) > _TOLD else ''})"
