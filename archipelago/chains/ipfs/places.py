"""Where things are in a member's containers: the one list that settings, scripts and questions share."""

from __future__ import annotations

from archipelago.model.endpoint import Port, Reach

KUBO, PEERS = "kubo", "peers"  # containers: the daemon, and what keeps its lists and tells how it is

REPOSITORY = "/data/ipfs"  # below the volume's top, where a file system may have a folder of its own
MARK = f"{REPOSITORY}/.archipelago"  # whose repository it is
FINGERPRINT = f"{REPOSITORY}/.archipelago-fingerprint"  # of the key that the daemon was started with
RUN = "/run/archipelago"
STARTED = f"{RUN}/started"  # another text for each start of the daemon
TOOLS = f"{RUN}/bin"  # an `ipfs` that knows the API and a token of it
API_ADDRESS = f"{RUN}/api"  # as a multiaddr
CONSOLE_TOKEN = f"{RUN}/console-token"  # of that `ipfs`: another one for each start of the daemon
STATUS = "/tmp/status"  # noqa: S108 - a volume of the pod's own; served on the port `status`

CONFIG = "kubo.json"  # public files: the config, with marks for what is not in it
ANNOUNCE, BOOTSTRAP = "announce", "bootstrap"
PRIVATE_KEY, API_TOKEN, SWARM_KEY = "private-key", "api-token", "swarm.key"  # private files

PUBLISHED = "published.txt"  # live files: who publishes an identity
ALL_MEMBERS = "peers.json"

READY = "ready"  # a file in STATUS that is there while the daemon's API answers
STATUS_PORT = Port("status", 8090, Reach.CLUSTER)


def members_file(swarm: str) -> str:
    """The live file that lists a swarm's members, a line each: organisation, PeerID, multiaddrs."""
    return f"{swarm}.members"


def profile_file(node: str) -> str:
    """The live file that a member publishes under its IPNS name."""
    return f"profiles-{node}.json"
