"""Tessera's configuration, in the layout of 0.9 and later."""

from __future__ import annotations

import json
from typing import Any

from archipelago.chains.goquorum.versions import PRIVACY_ENHANCEMENTS, TESSERA_LAUNCHER, Release
from archipelago.model.endpoint import marker

P2P, THIRD_PARTY = 9001, 9080
CONFIG, PUBLIC_KEY, PEERS = "tessera.json", "tm.pub", "tessera-peers.json"
_PEERS_MARK = "@peers@"
_DATA, _RUN = "/data/tm", "/run/archipelago"
SOCKET = f"{_RUN}/tm.ipc"

# A Tessera that has its own URL among its peers always reaches one of them, and so never reads its list again.
OTHERS = f"""others() {{
  sed -n 's/.*"url": "\\(.*\\)".*/\\1/p' /peers/{PEERS} | grep -vxF -e "$1" || :
}}
"""
"""A function of a script: `others <own URL>` prints the URLs of the live list without one, one a line."""


def config(release: Release, third_party: bool, privacy_enhancements: bool) -> str:
    """The part of a node's configuration that is its own; the peers are merged in when the container starts.

    Args:
        release: Tessera's release.
        third_party: Whether clients may use the third-party API.
        privacy_enhancements: Whether the genesis allows them; all nodes of a network must say the same.
    """
    servers = [_server("Q2T", f"unix:{SOCKET}")]
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


def start_script(release: Release, memory_limit: int = 2 * 2**30) -> str:
    """The shell script that merges the live peers into the configuration and becomes Tessera.

    Its first argument is the URL of this node among them (`own_url`).

    Args:
        release: Of Tessera.
        memory_limit: Bytes that the container may have.
    """
    if release >= TESSERA_LAUNCHER:  # its Java takes a quarter of the container's memory for its heap
        launch = "/tessera/bin/tessera"
    else:
        most = memory_limit // 2**21  # MiB, half of it
        heap = f"-Xms{min(128, most)}M -Xmx{most}M".replace("-Xmx1024M", "-Xmx1G")  # other words would restart it
        launch = f"java {heap} -jar /tessera/tessera-app.jar"
    merged, list_ = f"{_RUN}/{CONFIG}", f"{_RUN}/{PEERS}"
    # the socket of a killed Tessera ends the next one with exit code 2, and looks to geth like one that answers;
    # sed puts the text of a URL in the place of "&", whatever it holds
    return f"""set -eu
rm -f {SOCKET}
mkdir -p {_DATA}
{OTHERS}{{ echo '['; others "$1" | sed -e 's/.*/{{"url": "&"}}/' -e '$!s/$/,/'; echo ']'; }} > {list_}
sed -e '/^"{_PEERS_MARK}"$/{{' -e 'r {list_}' -e 'd' -e '}}' /config/{CONFIG} > {merged}
exec {launch} -configfile {merged}
"""


def own_url(object_name: str) -> str:
    """How the live list names a node of ours: by its Service, so that it never depends on an allocated port."""
    return f"http://{object_name}:{P2P}"


def peers(urls: list[str]) -> str:
    """The live file of peers: a JSON list."""
    return json.dumps([{"url": url} for url in urls], indent=2) + "\n"


def _bound(server: dict[str, Any], port: int) -> dict[str, Any]:
    return server | {"bindingAddress": f"http://0.0.0.0:{port}"}


def _server(app: str, address: str) -> dict[str, Any]:
    return {"app": app, "serverAddress": address, "communicationType": "REST"}
