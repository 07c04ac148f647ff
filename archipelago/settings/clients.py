"""Who may use a node's client ports, as a stack file says it."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from archipelago.settings.types import Cidr, NamespaceName, PodLabels, Strict, fault


class Client(Strict):
    """Who may use a node's client ports: pods, or a range of addresses."""

    namespace: Annotated[NamespaceName | None, BeforeValidator(lambda given: given or None)] = Field(
        default=None, description="Of the pods; this stack's own if empty or left out."
    )
    pods: PodLabels = Field(default={}, description="Labels that the pods carry; all of the namespace if left out.")
    cidr: Cidr | None = Field(default=None, description="A range of addresses, as 198.51.100.0/24.")

    @model_validator(mode="after")
    def _pods_or_addresses(self) -> Self:
        addresses, pods = self.cidr is not None, bool(self.model_fields_set & {"namespace", "pods"})
        if addresses == pods:
            words = "both pods and addresses" if pods else "neither pods nor addresses"
            raise fault(f"it names {words}", "Write namespace and pods for pods, or cidr for addresses.")
        return self


def narrowed(clients: Sequence[Client]) -> bool:
    """Whether a list of clients keeps any address out: it names some, and no ranges that together are all addresses."""
    ranges = [ip_network(each.cidr) for each in clients if each.cidr]
    four = collapse_addresses([each for each in ranges if isinstance(each, IPv4Network)])
    six = collapse_addresses([each for each in ranges if isinstance(each, IPv6Network)])
    return bool(clients) and not {"0.0.0.0/0", "::/0"} & {str(each) for some in (four, six) for each in some}
