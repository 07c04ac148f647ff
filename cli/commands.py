"""The commands of `archipelago`: where each one is, and what the list of all says of it.

None is imported for that list: a command's module brings what only that command needs. The texts are the first
paragraphs of the commands' own, and a test holds them to that.
"""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """Where a command is.

    Args:
        module: Its module.
        attribute: A function, or the application of a group of commands.
        text: What it does.
    """

    module: str
    attribute: str
    text: str


PLACES = {
    # before anything runs
    "validate": Place(
        "cli.validate",
        "validate",
        "Check stack files without a cluster and without pulumi. The exit code is 0 if all of them are valid.",
    ),
    "identity": Place(
        "cli.identity",
        "identity",
        "Print the public half of a stack's identities: its nodes' and the key that signs for its organisation.",
    ),
    "picture": Place(
        "cli.picture", "picture", "Draw the network that some stacks make together, once each of them has run."
    ),
    "render": Place(
        "cli.render",
        "render",
        "Print the Kubernetes objects of a stack as YAML, without a cluster and without pulumi.",
    ),
    "export": Place(
        "cli.export", "export", "Write the signed bundle that a partner on another backend reads as {file: …}."
    ),
    "nodes": Place(
        "cli.nodes", "nodes", "List a stack's nodes and where they are dialled, as its last run exported them."
    ),
    "schema": Place("cli.schema", "schema", "Print the JSON Schema of a stack file, for editors."),
    # of a running network
    "verify": Place(
        "cli.verify",
        "verify",
        "Check a running network: blocks, genesis, peers, validators, partners' ports, objects. It changes nothing.",
    ),
    "status": Place(
        "cli.nodes_running", "status", "Show what each node does: pod, restarts, block height, peers, image."
    ),
    "peers": Place(
        "cli.peers",
        "peers",
        "List the Peers in a stack's namespaces: partners' identities, reachable or not, up to date or not.",
    ),
    "wait": Place(
        "cli.nodes_running",
        "wait",
        "Wait until every node of a stack is ready, and makes or follows blocks where its protocol has any.",
    ),
    "urls": Place(
        "cli.nodes_running", "urls", "List where each node's ports are dialled, as the cluster has them now."
    ),
    "logs": Place("cli.consoles_of_nodes", "logs", "Print a node's log, or that of another container of its pod."),
    "attach": Place(
        "cli.consoles_of_nodes",
        "attach",
        "Open a node's own console; it speaks over a socket in the pod, so no port has to be open.",
    ),
    "connect": Place("cli.consoles_of_nodes", "connect", "Open a shell in a node's pod."),
    "release": Place(
        "cli.release",
        "release",
        "Delete what a removed node left in the cluster: its keys and its chain data. They are gone for ever.",
    ),
    "exec": Place(
        "cli.consoles_of_nodes",
        "execute",
        "Type one line at a node's console and print what it gives; an error there is exit code 1 here.",
    ),
    # from other tools
    "import-runner-k8s": Place(
        "cli.import_runner_k8s",
        "import_runner_k8s",
        "Print the stack file that goes on with a chain of runner_k8s; "
        "with --out write it, its genesis and its secrets.",
    ),
    "import-swarmpool": Place(
        "cli.import_swarmpool",
        "import_swarmpool",
        "Print the stack file that SwarmPools and Identities of cluster-discovery mean; with --out write it.",
    ),
    # groups
    "swarm": Place("cli.swarm", "app", "Private swarms: how the stack's own members are."),
    "validators": Place(
        "cli.validators",
        "app",
        "Who validates, who shall, and the votes that lead there; each organisation votes at its own nodes.",
    ),
    "account": Place("cli.account", "app", "Accounts for anybody."),
    "keys": Place("cli.keys", "app", "The private half of a stack's identities."),
    "lab": Place(
        "cli.lab",
        "app",
        "Local clusters to run the whole program on: real control planes; nodes are real with root, else simulated.",
    ),
    "demo": Place("cli.demo", "app", "Two clusters, two organisations, one network."),
}
