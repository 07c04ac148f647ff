"""A link that is cut for the pods of one organisation alone: other networks share its cluster and go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab.nodes.run import run, within
from tests.network.networks import Network, Organisation


@contextmanager
def cut(network: Network, organisation: Organisation) -> Iterator[None]:
    """Drop, while the block lasts, every packet between the organisation's pods and other clusters.

    Pods that start meanwhile are not cut off.
    """
    pods = organisation.run("get", "pods", "-o", "jsonpath={.items[*].status.podIP}").split()
    assert pods, f"{organisation.name} has no pods that could be cut off"
    table, inside = f"cut-{organisation.namespace}", within(network.lab.cluster(organisation.letter).namespace)
    addresses = ", ".join(pods)
    # in `forward` a packet to a NodePort has the pod's address already, and one from a pod still has it
    rules = f"""table ip {table} {{
  chain forward {{
    type filter hook forward priority -10; policy accept;
    iifname eth0 ip daddr {{ {addresses} }} drop
    oifname eth0 ip saddr {{ {addresses} }} drop
  }}
}}
"""
    run(*inside, "nft", "-f", "-", text=rules)
    try:
        yield
    finally:
        run(*inside, "nft", "delete", "table", "ip", table)
