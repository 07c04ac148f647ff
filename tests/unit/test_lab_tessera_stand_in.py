"""The stand-in for Tessera: takes what we render, as Tessera would, and finds its peers; real processes on loopback."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from archipelago.chains.goquorum import introduce, tessera
from tests.unit.tessera_nodes import Change, Document, StandIn, Starter, free_port, own_url, running, wait_until

pytestmark = pytest.mark.unit


def test_two_that_know_only_a_third_learn_of_each_other_and_call_each_other(start_tessera: Starter) -> None:
    a = running(start_tessera, 0, [])
    nodes = (a, running(start_tessera, 1, [a.url]), running(start_tessera, 2, [a.url]))
    wait_until(lambda: all(each.touched() == {n.url for n in nodes} - {each.url} for each in nodes))
    for each in nodes:
        assert each.info()["url"] == each.url
        assert each.owners() == {n.key: n.url for n in nodes}


@pytest.mark.parametrize("word", ["useWhiteList", "disablePeerDiscovery"])
def test_one_that_keeps_to_its_list_learns_of_nobody_else(start_tessera: Starter, word: str) -> None:
    a = running(start_tessera, 0, [])
    closed = running(start_tessera, 1, [a.url], lambda document: document.update({word: True}))
    wait_until(lambda: a.url in closed.touched())
    other = running(start_tessera, 2, [a.url])
    wait_until(lambda: closed.url in other.listed())
    time.sleep(1.5)  # another round of everybody
    assert closed.listed() == {a.url}
    assert other.key not in closed.owners()
    assert closed.url not in other.touched()


def test_s8_a_peer_that_does_not_answer_is_forgotten_and_comes_back_only_where_none_is_left(
    start_tessera: Starter,
) -> None:
    silent = f"http://127.0.0.1:{free_port()}/"
    node = running(start_tessera, 0, [silent])
    assert node.process.stderr
    tries = (line for line in node.process.stderr if f"cannot reach {silent}" in line)
    assert next(tries) and next(tries)  # it was the only one: the configuration is read again
    assert node.touched() == set()


def test_s8_a_lost_partner_stays_lost_until_the_sidecar_tells_tessera_again(
    start_tessera: Starter, tmp_path: Path
) -> None:
    """20.10 and 21.1: a cut of 30 s ended private transactions until a restart."""
    a, port = running(start_tessera, 0, []), free_port()
    b = running(start_tessera, 1, [a.url], port=port)
    wait_until(lambda: b.key in a.owners() and a.key in b.owners())
    b.end()
    wait_until(lambda: b.key not in a.owners())
    b = running(start_tessera, 1, [], port=port)
    time.sleep(1.5)
    assert b.key not in a.owners(), "it would have come back by itself"
    (a.folder / "peers" / tessera.PEERS).write_text(tessera.peers([own_url(a.node), b.url.rstrip("/")]))
    done = tell_again(a, tmp_path)
    assert done.returncode == 0, done.stderr
    wait_until(lambda: b.key in a.owners() and a.key in b.owners())
    assert a.owners()[a.key] == a.url
    assert tell_again(a, tmp_path).returncode == 1, "nothing is lost any more"


def tell_again(node: StandIn, folder: Path) -> subprocess.CompletedProcess[str]:
    """What the container `peers` does every 10 seconds, once, with busybox."""
    for tool in ("nc", "wget", "timeout", "tr", "sed", "grep", "base64", "wc", "cat", "head", "sleep"):
        if not (folder / tool).exists():
            (folder / tool).symlink_to(str(shutil.which("busybox")))
    functions = introduce.SCRIPT.rpartition("introductions")[0].replace(str(tessera.P2P), str(node.port))
    functions = functions.replace("/tmp/", f"{folder}/")
    functions = re.sub(r"(?<![\w/])/(peers|config)/", rf"{node.folder}/\1/", functions)
    words = ["busybox", "sh", "-uc", f'{functions}\nlost "$1" && introduce', "peers", own_url(node.node)]
    environ = {"PATH": f"{folder}:{os.environ['PATH']}"}
    return subprocess.run(words, env=environ, capture_output=True, text=True, check=False)


def test_geth_finds_on_the_socket_what_it_asks_for_at_its_start(start_tessera: Starter) -> None:
    node = running(start_tessera, 0, [])
    assert node.ask("GET", "/upcheck") == (200, "I'm up!")
    assert "2.0" in json.loads(node.ask("GET", "/version/api")[1])


def test_s8_a_payload_is_kept_by_its_parties_and_unknown_to_others(start_tessera: Starter) -> None:
    """GoQuorum exits with 112 when the payload of a transaction is refused with anything but 404."""
    a = running(start_tessera, 0, [])
    b, c = running(start_tessera, 1, [a.url]), running(start_tessera, 2, [a.url])
    wait_until(lambda: b.key in a.owners())
    status, said = a.ask("POST", "/send", {"payload": "aGVsbG8=", "to": [b.key]})
    assert status == 201, said
    path = f"/transaction/{quote(json.loads(said)['key'], safe='')}"
    for party in (a, b):
        status, said = party.ask("GET", f"{path}?isRaw=false")
        found = json.loads(said)
        assert (status, found["payload"], found["senderKey"]) == (200, "aGVsbG8=", a.key)
        assert found["managedParties"] == [party.key]
    assert c.ask("GET", f"{path}?isRaw=false")[0] == 404
    assert a.ask("GET", f"{path}/isSender")[1] == "true"
    assert b.ask("GET", f"{path}/isSender")[1] == "false"
    status, said = a.ask("POST", "/send", {"payload": "aGVsbG8=", "to": [base64.b64encode(bytes(32)).decode()]})
    assert status == 404 and "Recipient not found" in said
    raw = json.loads(a.ask("POST", "/storeraw", {"payload": "cmF3"})[1])["key"]
    assert a.ask("GET", f"/transaction/{quote(raw, safe='')}?isRaw=true")[0] == 200
    assert a.ask("POST", "/sendsignedtx", {"hash": raw, "to": [b.key]})[0] == 201
    assert json.loads(b.ask("GET", f"/transaction/{quote(raw, safe='')}?isRaw=false")[1])["payload"] == "cmF3"


@pytest.mark.parametrize(("release", "highest"), [("0.10.6", ""), ("20.10.0", "2.0"), ("21.1.0", "2.1")])
def test_s8_its_api_versions_are_those_of_the_release(start_tessera: Starter, release: str, highest: str) -> None:
    status, said = running(start_tessera, 0, [], release=release).ask("GET", "/version/api")
    assert (status == 200 and json.loads(said)[-1] == highest) if highest else status != 200


def test_it_says_what_it_is_not_and_is_gone_at_once_with_its_socket(start_tessera: Starter) -> None:
    node = running(start_tessera, 0, [])
    before = time.monotonic()
    said = node.end()
    assert "this is tessera-stand-in, not Tessera: private payloads are not encrypted" in said
    assert time.monotonic() - before < 1
    assert node.process.returncode == 143
    assert not node.socket.exists()


def test_s8_a_stale_socket_ends_it_and_the_start_script_removes_it(
    start_tessera: Starter, tessera_program: Path
) -> None:
    node = running(start_tessera, 0, [])
    node.process.kill()
    node.process.communicate()
    assert node.socket.exists()
    config = node.folder / "run/archipelago" / tessera.CONFIG
    assert subprocess.run([tessera_program, "-configfile", config], capture_output=True, check=False).returncode == 2
    running(start_tessera, 0, [])


def server(document: Document, app: str) -> Document:
    found: Document = next(each for each in document["serverConfigs"] if each["app"] == app)
    return found


def other(which: str, **words: Any) -> Change:
    return lambda document: server(document, which).update(words)


REFUSED: dict[str, tuple[Change, str]] = {
    "an unknown app": (other("Q2T", app="Quorum"), '"Quorum" is none of P2P'),
    "no servers": (lambda d: d.pop("serverConfigs"), "serverConfigs is missing"),
    "two P2P servers": (other("Q2T", app="P2P"), "exactly one P2P"),
    "an endpoint nobody filled in": (other("P2P", serverAddress="http://@endpoint:tessera@"), "names no"),
    "a URL without a port": (other("P2P", serverAddress="http://example.com"), "names no port"),
    "no address for peers": (other("P2P", serverAddress="http://0.0.0.0:9001"), "nothing that others can call"),
    "a socket without a path": (other("Q2T", serverAddress="unix:tm.ipc"), "absolute path"),
    "TLS": (other("P2P", sslConfig={"tls": "STRICT"}), "speaks no TLS"),
    "no database": (lambda d: d.pop("jdbc"), "jdbc.url is missing"),
    "no keys": (lambda d: d.pop("keys"), "at least 1 public/private key pair"),
    "a missing key": (lambda d: d["keys"]["keyData"][0].update(privateKeyPath="/nowhere/tm.key"), "no such file"),
    "passwords in the open": (lambda d: d["keys"].update(passwords=["x"]), "passwordFile"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_configuration_that_tessera_would_refuse_is_refused(start_tessera: Starter, what: str) -> None:
    change, reason = REFUSED[what]
    node = start_tessera(0, [], change)
    _, said = node.process.communicate(timeout=10)
    assert node.process.returncode == 1
    assert reason in said
    assert not node.socket.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("nothing", "is not JSON"),
        (json.dumps({"type": "argon2sbox", "data": {}}), "only knows unlocked keys"),
        (json.dumps({"type": "unlocked", "data": {"bytes": "***"}}), "a key is base64"),
        (json.dumps({"type": "unlocked", "data": {"bytes": base64.b64encode(bytes(31)).decode()}}), "this one 31"),
        (json.dumps({"type": "unlocked", "data": {"bytes": base64.b64encode(b"x" * 32).decode()}}), "are no pair"),
    ],
)
def test_a_key_file_that_is_none_is_refused(start_tessera: Starter, content: str, reason: str) -> None:
    def spoil(document: Document) -> None:
        Path(document["keys"]["keyData"][0]["privateKeyPath"]).write_text(content)

    node = start_tessera(0, [], spoil)
    _, said = node.process.communicate(timeout=10)
    assert node.process.returncode == 1
    assert reason in said


def test_a_misspelt_word_is_told_as_tessera_tells_it(start_tessera: Starter) -> None:
    node = running(start_tessera, 0, [], lambda document: document.update(usewhitelist=True))
    assert "unmatched json element: usewhitelist" in node.end()
