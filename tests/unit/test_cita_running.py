"""The controller's gRPC, asked by the shell of a pod's busybox and answered by a real HTTP/2 server."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from archipelago.chains.cita_cloud.running import Controller as Questions
from archipelago.chains.running import Unanswered
from archipelago.model.endpoint import Endpoint
from archipelago.model.record import ExternalNode
from tests.fake_cita import Answers, Controller, digest, number

pytestmark = pytest.mark.unit

ASKED = Questions()
ADDRESS, OTHER = "0x" + "11" * 20, "0x" + "22" * 20
GENESIS, BLOCK = b"\xaa" * 32, b"\xbb" * 32
# SystemConfig: chain id, admin, interval 6, two validators, and the hash of a transaction that changed something
CONFIG = (
    b"\x12\x20" + b"\xcc" * 32 + b"\x1a\x14" + b"\xdd" * 20 + b"\x20\x06"
    b"\x2a\x14" + b"\x11" * 20 + b"\x2a\x14" + b"\x22" * 20 + b"\x5a\x20" + bytes(32)
)  # fmt: skip


class Server:
    """A controller's port; as gRPC servers do, it keeps a connection open when it has answered."""

    def __init__(self) -> None:
        self.answers: Answers = {
            "GetBlockNumber": number(7),
            "GetBlockHash": digest(GENESIS),
            "GetBlockHash 7": digest(BLOCK),
            "GetSystemConfig": CONFIG,
            "GetPeerCount": number(3),
        }
        self.mute = False
        self.cut = 0  # bytes after which it hangs up; 0 for a sound connection
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Nothing listens any more."""
        if self._listening.fileno() >= 0:
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connected, _ = self._listening.accept()
            except OSError:
                return
            with connected:
                self._speak(connected)

    def _speak(self, connected: socket.socket) -> None:
        controller = Controller(self.answers)
        while heard := connected.recv(65536):
            text = b"" if self.mute else controller.hear(heard)
            connected.sendall(text[: self.cut or None])
            if self.cut:
                return


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def busybox(folder: Path, *tools: str) -> None:
    """A folder with some of busybox's tools and no others, as the images have them."""
    program = shutil.which("busybox")
    if program is None:
        pytest.skip("there is no busybox on this machine: apt-get install busybox-static")
    folder.mkdir()
    for tool in tools:
        (folder / tool).symlink_to(program)


class Pod:
    """The container in which questions are asked, with nothing in it but busybox."""

    def __init__(self, root: Path) -> None:
        busybox(root / "bin", "sh", "nc", "cat", "base64", "dd", "od", "sleep", "true")
        (root / "node_address").write_text(ADDRESS)  # without a newline, as the controller reads it
        self._root = root

    def run(self, command: tuple[str, ...], port: int, limit: int = 60) -> subprocess.CompletedProcess[str]:
        """What kubectl exec would do, at another port and with another limit of time."""
        here = [
            word.replace("50004", str(port))
            .replace("/config/node_address", f"{self._root}/node_address")
            .replace("sleep 30", f"sleep {limit}")
            for word in command
        ]
        process = subprocess.Popen(
            [f"{self._root}/bin/{here[0]}", *here[1:]],
            env={"PATH": f"{self._root}/bin"}, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,  # as kubectl's processes have
        )  # fmt: skip
        out, err = process.communicate()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what watches the time
        return subprocess.CompletedProcess(here, process.returncode, out, err)

    def look(self, port: int, height: int | None = None) -> str:
        """What the question prints."""
        done = self.run(ASKED.look(height), port)
        assert not done.returncode, done.stderr
        return done.stdout


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


def test_one_connection_answers_everything_that_a_node_is_asked(pod: Pod, server: Server) -> None:
    state = ASKED.state(pod.look(server.port, 7))
    assert (state.height, state.connections, state.syncing) == (7, 3, False)
    assert (state.genesis_hash, state.block_hash) == ("0x" + "aa" * 32, "0x" + "bb" * 32)
    assert (state.address, state.validators) == (ADDRESS, (ADDRESS, OTHER))


def test_a_question_ends_with_its_last_answer_and_not_when_the_time_is_up(pod: Pod, server: Server) -> None:
    began = time.monotonic()
    pod.look(server.port)
    assert time.monotonic() - began < 30


def test_a_controller_that_says_nothing_is_given_up(pod: Pod, server: Server) -> None:
    server.mute = True
    assert pod.run(ASKED.look(), server.port, limit=1).returncode == -9


def test_no_hash_is_told_of_a_block_that_nobody_asked_for_or_has(pod: Pod, server: Server) -> None:
    assert ASKED.state(pod.look(server.port)).block_hash == ""
    assert ASKED.state(pod.look(server.port, 8)).block_hash == ""


def test_a_chain_without_a_block_is_at_height_0(pod: Pod, server: Server) -> None:
    """Protobuf leaves a zero out."""
    server.answers["GetBlockNumber"] = server.answers["GetPeerCount"] = b""
    state = ASKED.state(pod.look(server.port))
    assert (state.height, state.connections) == (0, 0)


@pytest.mark.parametrize(
    ("method", "answer", "words"),
    [
        ("GetPeerCount", "get network status failed", "its controller: GetPeerCount: get network status failed"),
        ("GetBlockHash", "load block hash failed: 0%", "GetBlockHash: load block hash failed: 0%"),
        ("GetSystemConfig", b"\x2a\x14", "its controller: the answer is no protobuf message"),
    ],
)
def test_an_error_is_told_in_the_controllers_words(
    pod: Pod, server: Server, method: str, answer: bytes | str, words: str
) -> None:
    server.answers[method] = answer
    printed = pod.look(server.port)
    with pytest.raises(Unanswered, match=words):
        ASKED.state(printed)


@pytest.mark.parametrize("cut", [5, 40, 100, 150])
def test_a_connection_that_breaks_off_is_no_answer(pod: Pod, server: Server, cut: int) -> None:
    server.cut = cut
    printed = pod.look(server.port)
    with pytest.raises(Unanswered, match="breaks off"):
        ASKED.state(printed)


def test_every_beginning_of_an_answer_is_refused_and_never_misread(pod: Pod, server: Server) -> None:
    address, _, frames = pod.look(server.port).partition("\n")
    whole = bytes.fromhex(frames)
    for end in range(len(whole) - 1):
        with pytest.raises(Unanswered):
            ASKED.state(f"{address}\n{whole[:end].hex()}")


def test_a_port_that_nobody_listens_on_is_an_error(pod: Pod, server: Server) -> None:
    server.close()
    done = pod.run(ASKED.look(), server.port)
    assert done.returncode
    assert "Connection refused" in done.stderr


@pytest.mark.parametrize("printed", ["", "0x11", "0x11\nno hex", "0x11\n" + b"HTTP/1.1 400 Bad Request\r\n".hex()])
def test_what_is_no_answer_is_told(printed: str) -> None:
    with pytest.raises(Unanswered, match="its controller"):
        ASKED.state(printed)


def node(**ports: int) -> ExternalNode:
    ends = {name: Endpoint(host="127.0.0.1", port=number) for name, number in ports.items()}
    return ExternalNode(network="n", organisation="o", name="a", node_id="X", endpoints=ends)


def test_a_partners_network_and_syncthing_are_knocked_at_and_no_client_port(pod: Pod, server: Server) -> None:
    found = ASKED.knocks(node(network=server.port, sync=server.port, rpc=server.port))
    assert [each.port for each in found] == ["network", "sync"]
    assert pod.run(found[0].command, 0).returncode == 0
    server.close()
    assert pod.run(found[0].command, 0).returncode != 0
    assert ASKED.knocks(node()) == ()


@pytest.mark.parametrize(("validators", "quorum"), [(1, 1), (3, 3), (4, 3), (7, 5)])
def test_so_many_validators_are_enough_for_both_kinds_of_consensus(validators: int, quorum: int) -> None:
    assert ASKED.quorum(validators) == quorum
