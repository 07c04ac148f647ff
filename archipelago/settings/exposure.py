"""How a node is reached from outside of its cluster, as a stack file says it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from archipelago.model.endpoint import Exposed, Host
from archipelago.settings.types import Cidr, NodePort, Strict, Texts, fault

_CLASS = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def _class(text: str) -> str:
    if not _CLASS.fullmatch(text):
        raise fault(f"{text!r} is no class of load balancers", "Write it as service.k8s.aws/nlb.")
    return text


BalancerClass = Annotated[str, AfterValidator(_class)]


class Exposure(Strict):
    """How partners reach a node's p2p and private-transaction ports."""

    type: Exposed = Field(default=Exposed.NODE_PORT, description="NodePort, LoadBalancer or ClusterIP.")
    host: Host | None = Field(default=None, description="What partners dial for this node, instead of cluster.address.")
    ports: dict[str, NodePort] = Field(default={}, description="Pinned NodePorts by port name, as p2p: 30303.")
    annotations: Texts = Field(default={}, description="Annotations of the Service, for load balancers.")
    load_balancer_source_ranges: tuple[Cidr, ...] = Field(
        default=(), description="Who reaches the load balancer, as [198.51.100.0/24]; default: every address."
    )
    load_balancer_class: BalancerClass | None = Field(
        default=None, description="Which controller makes the load balancer; it never changes."
    )
    external_traffic_policy: Literal["Cluster", "Local"] | None = Field(
        default=None, description="Local: only machines with the pod answer, and it sees its clients' addresses."
    )

    @model_validator(mode="after")
    def _of_its_type(self) -> Self:
        if self.type is not Exposed.LOAD_BALANCER and (self.load_balancer_source_ranges or self.load_balancer_class):
            key = "loadBalancerSourceRanges" if self.load_balancer_source_ranges else "loadBalancerClass"
            raise fault(
                f"{key} is of a LoadBalancer, got type {self.type}", "Set type to LoadBalancer, or take it out."
            )
        if self.type is Exposed.CLUSTER_IP and self.external_traffic_policy:
            raise fault("externalTrafficPolicy is of ports seen from outside, got type ClusterIP", "Take it out.")
        return self

    @property
    def balancing(self) -> dict[str, Any]:
        """What the Service says of traffic from outside, beside its ports."""
        said = {
            "loadBalancerSourceRanges": list(self.load_balancer_source_ranges),
            "loadBalancerClass": self.load_balancer_class,
            "externalTrafficPolicy": self.external_traffic_policy,
        }
        return {key: value for key, value in said.items() if value}
