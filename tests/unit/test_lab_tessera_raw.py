"""Private payloads as bytes at the stand-in for Tessera, and what it refuses as Tessera does.

The statuses are those of Tessera's `TransactionResource`, its exception mappers, and its tests `SendRawIT` and
`ReceiveRawIT`.
"""

from __future__ import annotations

import base64
import json
import struct
import urllib.error
import urllib.request
from urllib.parse import quote

import pytest

from tests.unit.tessera_nodes import DIRECT, StandIn, Starter, free_port, running, wait_until

pytestmark = pytest.mark.unit

BYTES = b"\x00\xff,{not JSON, nor text}\r\n"
UNKNOWN = base64.b64encode(bytes(32)).decode()
NO_HASH = "invalidhashvalue"


def send(node: StandIn, *to: str, body: bytes = BYTES, sender: str = "") -> tuple[int, str]:
    """What the node says to a payload for others."""
    headers = {"Content-Type": "application/octet-stream", "c11n-to": ",".join(to), "c11n-from": sender}
    status, said = node.ask_raw("POST", "/sendraw", body, headers)
    return status, said.decode()


def receive(node: StandIn, key: str, to: str = "") -> tuple[int, bytes]:
    """What the node says to the question for a payload."""
    return node.ask_raw("GET", "/receiveraw", headers={"c11n-key": key, "c11n-to": to} if to else {"c11n-key": key})


def test_bytes_reach_all_parties_as_they_were_and_no_other_node(start_tessera: Starter) -> None:
    a = running(start_tessera, 0, [])
    b, c = running(start_tessera, 1, [a.url]), running(start_tessera, 2, [a.url])
    wait_until(lambda: b.key in a.owners())
    status, key = send(a, b.key, sender=a.key)
    assert status == 200
    assert len(base64.b64decode(key, validate=True)) == 64
    for party in (a, b):
        assert receive(party, key) == (200, BYTES)
        assert receive(party, key, to=party.key) == (200, BYTES)
    status, said = receive(c, key)
    assert (status, said.decode().strip()) == (404, f"Message with hash {key} was not found")
    # only the one that has sent it opens it whichever key is named
    assert receive(a, key, to=c.key) == (200, BYTES)
    status, said = receive(b, key, to=c.key)
    assert (status, said.decode().strip()) == (404, f"Public key {c.key} not found when searching for private key")


def test_payloads_are_the_same_ones_with_json_and_without(start_tessera: Starter) -> None:
    node = running(start_tessera, 0, [])
    content = base64.b64encode(BYTES).decode()
    sent = json.loads(node.ask("POST", "/send", {"payload": content})[1])["key"]
    assert receive(node, sent) == (200, BYTES)
    status, key = send(node)  # without any key it is for the node alone
    assert status == 200
    found = json.loads(node.ask("GET", f"/transaction/{quote(key, safe='')}?isRaw=false")[1])
    assert (found["payload"], found["senderKey"], found["managedParties"]) == (content, node.key, [node.key])
    raw = json.loads(node.ask("POST", "/storeraw", {"payload": content})[1])["key"]
    assert receive(node, raw)[0] == 404, "what /storeraw keeps is in another table until it is sent"


def test_what_tessera_refuses_is_refused_with_its_status(start_tessera: Starter) -> None:
    node = running(start_tessera, 0, [])
    assert send(node, body=b"")[0] == 400
    assert send(node, sender="no base64")[0] == 400
    assert send(node, "no base64")[0] == 500, "Tessera validates the sender alone"
    for status, said in (send(node, UNKNOWN), node.ask("POST", "/send", {"payload": "", "to": [UNKNOWN]})):
        assert (status, said.strip()) == (404, f"Recipient not found for key: {UNKNOWN}")
    for status, said in (
        send(node, sender=UNKNOWN),
        node.ask("POST", "/send", {"payload": "", "from": UNKNOWN}),
    ):
        assert (status, said.strip()) == (404, f"Public key {UNKNOWN} not found when searching for private key")
    assert node.ask_raw("GET", "/receiveraw")[0] == 400
    assert receive(node, "no base64")[0] == 400
    assert receive(node, NO_HASH, to="no base64")[0] == 400
    status, answer = receive(node, NO_HASH)
    assert (status, answer.decode().strip()) == (404, f"Message with hash {NO_HASH} was not found")
    assert node.ask_raw("GET", "/sendraw")[0] == 501
    with pytest.raises(urllib.error.HTTPError, match="501") as refused:  # the server for peers has no payloads
        DIRECT.open(f"{node.url}receiveraw", timeout=2)
    refused.value.close()


def test_a_payload_for_a_node_that_is_away_is_refused(start_tessera: Starter) -> None:
    node, away = running(start_tessera, 0, []), f"http://127.0.0.1:{free_port()}/"
    claim(node, away, bytes(32))
    assert node.owners()[UNKNOWN] == away
    assert send(node, UNKNOWN)[0] == 410
    assert node.ask("POST", "/send", {"payload": "", "to": [UNKNOWN]})[0] == 410


def claim(node: StandIn, url: str, key: bytes) -> None:
    """Call a node as one that has a key: Tessera's binary party info with no peers."""
    texts = b"".join(struct.pack(">Q", len(each)) + each for each in (key, url.encode()))
    body = struct.pack(">Q", len(url)) + url.encode() + struct.pack(">Q", 1) + texts + struct.pack(">Q", 0)
    DIRECT.open(urllib.request.Request(f"{node.url}partyinfo", data=body), timeout=2).close()
