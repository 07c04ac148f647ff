"""Tessera's configuration, in the layout of 0.9 and later."""

from __future__ import annotations

import json
from typing import Any

from archipelago.chains.goquorum.versions import PRIVACY_ENHANCEMENTS, TESSERA_LAUNCHER, Release
from archipelago.model.endpoint import marker

P2P, THIRD_PARTY = 9001, 9080
CONFIG, PUBLIC_KEY, PEERS = "tessera.json", "tm.pub", "tessera-peers.json"
_PEERS_MARK = "@peers@"
_DATA, _SOCKET = "/data/tm", "/run/archipelago/tm.ipc"


def config(release: Release, third_party: bool, privacy_enhancements: bool) -> str:
    """The part of a node's configuration that is its own; the peers are merged in when the container starts.

    Args:
        release: Tessera's release.
        third_party: Whether clients may use the third-party API.
        privacy_enhancements: Whether the genesis allows them; all nodes of a network must say the same.
    """
    servers = [_server("Q2T", f"unix:{_SOCKET}")]
    if third_party:
        # Tessera refuses 0.0.0.0 as an address, though it may bind it
        servers.append(_bound(_server("ThirdParty", f"http://localhost:{THIRD_PARTY}"), THIRD_PARTY))
    # partners are told serverAddress and call it back, so it is what they can reach, not what the process binds
    servers.append(_bound(_server("P2P", f"http://{marker('tessera')}"), P2P) | {"sslConfig": {"tls": "OFF"}})
    document: dict[str, Any] = {
        "useWhiteList": False,
        "jdbc": {
            "username": "sa",
            "password": "",
            "url": f"jdbc:h2:{_DATA}/db;MODE=Oracle;TRACE_LEVEL_SYSTEM_OUT=0",
            "autoCreateTables": True,
        },
        "serverConfigs": servers,
        "peer": _PEERS_MARK,
        "keys": {
            "passwords": [],
            "keyData": [{"privateKeyPath": "/identity/tm.key", "publicKeyPath": f"/config/{PUBLIC_KEY}"}],
        },
        "alwaysSendTo": [],
    }
    if privacy_enhancements and release >= PRIVACY_ENHANCEMENTS:
        document["features"] = {"enablePrivacyEnhancements": True}
    # on a line of its own, where sed can put a file in its place
    return json.dumps(document, indent=2).replace(f' "{_PEERS_MARK}"', f'\n"{_PEERS_MARK}"\n') + "\n"


def start_script(release: Release) -> str:
    """The shell script that merges the live peers into the configuration and becomes Tessera."""
    if release >= TESSERA_LAUNCHER:
        launch = "/tessera/bin/tessera"
    else:
        launch = "java -Xms128M -Xmx1G -jar /tessera/tessera-app.jar"
    merged = f"/run/archipelago/{CONFIG}"
    return (
        "set -eu\n"
        "mkdir -p " + _DATA + "\n"
        f"sed -e '/^\"{_PEERS_MARK}\"$/{{' -e 'r /peers/{PEERS}' -e 'd' -e '}}' /config/{CONFIG} > {merged}\n"
        f"exec {launch} -configfile {merged}\n"
    )


def peers(urls: list[str]) -> str:
    """The live file of peers: a JSON list."""
    return json.dumps([{"url": url} for url in urls], indent=2) + "\n"


def _bound(server: dict[str, Any], port: int) -> dict[str, Any]:
    return server | {"bindingAddress": f"http://0.0.0.0:{port}"}


def _server(app: str, address: str) -> dict[str, Any]:
    return {"app": app, "enabled": True, "serverAddress": address, "communicationType": "REST"}
