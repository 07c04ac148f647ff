"""What clients may not reach of a geth: namespaces that change the node, and an unlocked account.

geth asks no client who it is. Of the namespaces that a stack file may open, these change the node (GoQuorum's
`internal/ethapi`, `node/api.go`, `consensus/istanbul/backend/api.go`); eth, net, web3 and txpool only read, or pass on
what a client has signed. `eth` signs for every client where an account is unlocked.
"""

from __future__ import annotations

from collections.abc import Iterator

from archipelago.chains.goquorum.settings import Api, GoQuorumNode
from archipelago.model.endpoint import Exposed
from archipelago.problems import Problem
from archipelago.settings.clients import narrowed

# what a client of each may do, without a key
_CHANGES = {
    "admin": "change the node's peers and open more ports",
    "debug": "set the chain back and stop the node",
    "istanbul": "vote validators in and out",
}
# what a client of each may do inside the cluster; those who need them know why
_DOUBTFUL = {
    "miner": "stop the making of blocks",
    "personal": "make accounts, and unlock one whose password it knows",
    "quorumExtension": "extend the node's private contracts to others",
    "quorumPermission": "propose changes of the network's permissions",
}


def doubts(path: str, node: GoQuorumNode) -> Iterator[str]:
    """What clients of one node may do that few stacks mean.

    Args:
        path: Where the node stands in the stack file.
        node: Its settings.
    """
    named = [name for name in _DOUBTFUL if name in node.api.namespaces]
    if named and (node.api.rpc or node.api.websocket):
        can = " and ".join(_DOUBTFUL[name] for name in named)
        yield f"archipelago:{path}.api.namespaces has {', '.join(named)}: every client of this node may {can}."


def problems(path: str, node: GoQuorumNode, network_policies: bool) -> Iterator[Problem]:
    """Every problem of one node.

    Args:
        path: Where the node stands in the stack file.
        node: Its settings.
        network_policies: Whether this program's policies keep clients out that are not named.
    """
    api = node.api
    named = [name for name in _CHANGES if name in api.namespaces]
    can = " and ".join(_CHANGES[name] for name in named)
    inside = [name for name in _DOUBTFUL if name in api.namespaces]
    kept_out = network_policies and narrowed(api.clients)
    opened, who = api.rpc or api.websocket, _who(api, network_policies)
    if named and api.type is not Exposed.CLUSTER_IP:
        words = f"{', '.join(named)} must not be open on a {api.type}: anybody who finds the port could {can}."
        yield Problem(
            f"{path}.api.namespaces",
            words,
            f"Take it out, or keep archipelago:{path}.api.type at ClusterIP and name clients.",
        )
    elif inside and api.type is not Exposed.CLUSTER_IP:
        words = f"{', '.join(inside)} must not be open on a {api.type}: every client that finds the port could use it."
        cure = f"Take it out, or keep archipelago:{path}.api.type at ClusterIP."
        yield Problem(f"{path}.api.namespaces", words, cure)
    elif named and opened and not kept_out:
        words = f"{', '.join(named)} must be open to named clients only: {who} could {can}."
        yield Problem(f"{path}.api.namespaces", words, _cure(path, network_policies, "archipelago attach needs none"))
    if node.unlock and opened and not kept_out:
        words = f"an unlocked account must be open to named clients only: {who} could send its transactions."
        yield Problem(f"{path}.unlock", words, _cure(path, network_policies, "a client that signs itself needs none"))


def _who(api: Api, network_policies: bool) -> str:
    if api.type is not Exposed.CLUSTER_IP:
        return "anybody who finds the port"
    named = api.clients and network_policies
    return "every address, which api.clients names," if named else "every pod that reaches the Service"


def _cure(path: str, network_policies: bool, instead: str) -> str:
    policies = "" if network_policies else "remove archipelago:cluster.networkPolicies, and "
    written = f"add archipelago:{path}.api.clients, as [{{namespace: apps, pods: {{app: wallet}}}}]"
    text = f"{policies}{written}; or take it out: {instead}."
    return text[0].upper() + text[1:]
