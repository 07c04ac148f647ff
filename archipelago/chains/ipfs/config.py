"""kubo's config for a member of a private swarm, in what each release reads.

Sources: kubo docs/config.md and its changelogs. A release passes over keys that it does not know, but stops at some
that it knows no longer; so everything that came or went is written for the releases that have it.
"""

from __future__ import annotations

import json
from typing import Any

from archipelago.chains.ipfs import ports, versions
from archipelago.chains.ipfs.settings import Member
from archipelago.chains.ipfs.versions import Release
from archipelago.settings.types import quantity

Json = dict[str, Any]

# What a start fills in; nothing else in a config looks like these.
# Each stands on a line of its own.
PRIVATE_KEY, API_TOKEN, CONSOLE_TOKEN, ANNOUNCE, BOOTSTRAP = (
    f"@{name}@" for name in ("private-key", "api-token", "console-token", "announce", "bootstrap")
)
_GRACE = 90  # seconds: the pod gets 120
_PATHS = ("/api/v0", "/debug/metrics/prometheus")


def text(member: Member, release: Release, peer_id: str) -> str:
    """The whole config, with marks in the place of keys and lists.

    Args:
        member: Its settings.
        release: Of kubo.
        peer_id: Its PeerID.
    """
    made = {
        "Identity": {"PeerID": peer_id, "PrivKey": PRIVATE_KEY},
        "Datastore": _datastore(member),
        "Addresses": _addresses(member, release),
        "API": _api(release),
        "Gateway": {"NoDNSLink": True},
        "Bootstrap": [BOOTSTRAP],
        # told to the running daemon: a connection that is there before its block exchange stays without one (kubo 8346)
        "Peering": {"Peers": []},
        "Discovery": {"MDNS": _mdns(release)},
        # a member is a server of the DHT even where nobody can prove that it is reached: else there may be none
        "Routing": {"Type": "dhtserver"} | _if(release, versions.AUTO_CONF, {"DelegatedRouters": []}),
        "Ipns": {"ResolveCacheSize": 128} | _if(release, versions.AUTO_CONF, {"DelegatedPublishers": []}),
        "AutoNAT": {"ServiceMode": "disabled"},
        "Swarm": _swarm(member, release),
        "Internal": {"BackupBootstrapInterval": "10m"}
        | _if(release, versions.SHUTDOWN_TIMEOUT, {"ShutdownTimeout": f"{_GRACE}s"}),
    }
    made |= _off(release)
    return json.dumps(made, indent=2) + "\n"


def api_host(release: Release) -> str:
    """What the API binds: without a token it is the pod's own."""
    return "0.0.0.0" if release >= versions.API_AUTHORIZATIONS else "127.0.0.1"  # noqa: S104 - it asks for a token


def _if(release: Release, since: Release, part: Json) -> Json:
    return part if release >= since else {}


def _off(release: Release) -> Json:
    """What would ask the Internet, or tell it something."""
    telemetry = {"Plugins": {"telemetry": {"Config": {"Mode": "off"}}}}
    return {
        **_if(release, versions.AUTO_TLS, {"AutoTLS": {"Enabled": False}}),
        **_if(release, versions.HTTP_RETRIEVAL, {"HTTPRetrieval": {"Enabled": False}}),
        **_if(
            release,
            versions.AUTO_CONF,
            {"AutoConf": {"Enabled": False}, "DNS": {"Resolvers": {}}, "Plugins": telemetry},
        ),
    }


def _datastore(member: Member) -> Json:
    size = int(quantity(member.storage.size)) * member.garbage_collection.storage_max // 100
    flatfs = {"type": "flatfs", "path": "blocks", "sync": True, "shardFunc": "/repo/flatfs/shard/v1/next-to-last/2"}
    leveldb = {"type": "levelds", "path": "datastore", "compression": "none"}
    mounts = [
        {"mountpoint": "/blocks", "type": "measure", "prefix": "flatfs.datastore", "child": flatfs},
        {"mountpoint": "/", "type": "measure", "prefix": "leveldb.datastore", "child": leveldb},
    ]
    return {
        "StorageMax": f"{size}B",
        "StorageGCWatermark": member.garbage_collection.watermark,
        "GCPeriod": "1h",
        "Spec": {"type": "mount", "mounts": mounts},
        "HashOnRead": False,
        "BloomFilterSize": 0,
    }


def _addresses(member: Member, release: Release) -> Json:
    return {
        "Swarm": [f"/ip4/0.0.0.0/tcp/{ports.listens(member)}", f"/ip6/::/tcp/{ports.listens(member)}"],
        "Announce": [ANNOUNCE],
        "NoAnnounce": [],
        "API": f"/ip4/{api_host(release)}/tcp/{member.api_port}",
        "Gateway": [f"/ip4/0.0.0.0/tcp/{member.gateway_port}"] if member.gateway else [],
    }


def _api(release: Release) -> Json:
    marks = {"archipelago": API_TOKEN, "console": CONSOLE_TOKEN}
    tokens = {name: {"AuthSecret": mark, "AllowedPaths": list(_PATHS)} for name, mark in marks.items()}
    return {"HTTPHeaders": {}} | _if(release, versions.API_AUTHORIZATIONS, {"Authorizations": tokens})


def _mdns(release: Release) -> Json:
    return {"Enabled": False} | ({} if release >= versions.OPTIONAL_MDNS_INTERVAL else {"Interval": 10})


def _swarm(member: Member, release: Release) -> Json:
    """TCP alone, nothing filtered (pods have private addresses), no relays, no hole punching."""
    transports = dict.fromkeys(("QUIC", "WebTransport", "Websocket", "Relay", "WebRTCDirect"), False)
    limit = int(quantity(member.resources.memory_limit)) // 2
    relays = (
        {"RelayClient": {"Enabled": False}, "RelayService": {"Enabled": False}, "EnableHolePunching": False}
        if release >= versions.RELAY_CLIENT
        else {"EnableAutoRelay": False, "EnableRelayHop": False}
    )
    return {
        "AddrFilters": None,
        "DisableNatPortMap": True,
        "Transports": {"Network": {"TCP": True, **transports}},
        "ConnMgr": {
            "Type": "basic",
            "LowWater": member.connections.low,
            "HighWater": member.connections.high,
            "GracePeriod": "20s",
        },
        **relays,
        **_if(release, versions.RESOURCE_MANAGER, {"ResourceMgr": {"MaxMemory": f"{limit}B"}}),
    }
