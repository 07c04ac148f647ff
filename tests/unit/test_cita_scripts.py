"""The shell of the init step and of the keeper of syncthing's list, run for real on a volume below a folder."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from archipelago.model.plan import NodePlan
from archipelago.stack.plan import StackPlan
from tests.cita import local, plan_of
from tests.unit.test_cita_accounts import rows
from tests.unit.test_cita_running import busybox
from tests.unit.test_goquorum_scripts import until

pytestmark = pytest.mark.unit

FOLDERS = ("blocks/.stfolder", "proposals/.stfolder", "txs/.stfolder", "tx_infos", "chain_data", "logs", "config")


class Syncthing:
    """The interface of a syncthing that can be restarted, and counts how often it was."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.broken = False
        syncthing = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/rest/system/restart"
                if not syncthing.broken:
                    syncthing.keys.append(self.headers["X-API-Key"])
                self.send_response(500 if syncthing.broken else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = HTTPServer(("127.0.0.1", 0), Answer)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """It is gone."""
        self._server.shutdown()
        self._server.server_close()


class Pod:
    """What kubelet would mount for a node, and its init step."""

    def __init__(self, root: Path, plan: StackPlan, index: int = 0) -> None:
        self.data, self._root = root / "data", root
        node = plan.nodes[index]
        (self.data).mkdir(exist_ok=True)
        self._mount("config", node.public_files)
        self._mount("peers", plan.live_files)
        (given,) = (mount.files for mount in node.init[0].mounts if mount.path == "/identity")
        self._mount("identity", {name: node.private_files[name] for name in given})
        self._node: NodePlan = node

    def deliver(self, plan: StackPlan) -> None:
        """What kubelet does to a running pod when the live files have changed."""
        self._mount("peers", plan.live_files)

    def _mount(self, name: str, files: object) -> None:
        """As a ConfigMap is mounted: links into a folder that starts with two dots."""
        folder = self._root / name
        (folder / "..data").mkdir(parents=True, exist_ok=True)
        for each in folder.iterdir():
            if each.is_symlink():
                each.unlink()
        assert isinstance(files, dict)
        for file, text in files.items():
            (folder / "..data" / file).write_text(text)
            (folder / file).symlink_to(f"..data/{file}")

    def start(self) -> str:
        """Run the step; what it refused with, or nothing."""
        done = subprocess.run(self._here(self._node.init[0].command), capture_output=True, text=True, check=False)
        assert (done.returncode != 0) == bool(done.stderr)
        return done.stderr

    def _here(self, command: tuple[str, ...]) -> list[str]:
        """What a container runs, inside this folder."""
        shell, option, script, *words = command
        here = re.sub(r"(?<![\w./])/(data|config|peers|identity)\b", rf"{self._root}/\1", script)
        return [shell, option, here, *words]

    @contextmanager
    def keeper(self, syncthing: Syncthing) -> Iterator[Path]:
        """The keeper of the list while it runs, fifty times as fast, with nothing but busybox; where it prints."""
        if not (tools := self._root / "bin").exists():
            busybox(tools, "sh", "sleep", "cmp", "cp", "mv", "timeout", "wget", "awk")
        (command,) = (each.command for each in self._node.containers if each.name == "peers")
        shell, option, script, *words = self._here(command)
        script = script.replace("sleep 5", "sleep 0.1").replace("8384", str(syncthing.port))
        printed = self._root / "printed"
        with printed.open("w") as said:
            words = [f"{tools}/{shell}", option, script, *words]
            process = subprocess.Popen(words, env={"PATH": str(tools)}, stdout=said, stderr=said)
        try:
            yield printed
        finally:
            process.terminate()
            assert process.wait(30) == 0

    def tree(self) -> dict[str, bytes]:
        """Every file of the volume."""
        return {str(path.relative_to(self.data)): path.read_bytes() for path in self.data.rglob("*") if path.is_file()}


def test_a_volume_is_filled_with_what_the_services_look_for(tmp_path: Path) -> None:
    pod = Pod(tmp_path, plan_of(local()), index=1)
    assert not pod.start()
    assert all((pod.data / folder).is_dir() for folder in FOLDERS)
    files = pod.tree()
    assert files["network-config.toml"].decode() == (
        'enable_tls = true\nport = 40000\n[[peers]]\nip = "test-chain-0"\nport = 40000\n\n'
        '[[peers]]\nip = "test-chain-2"\nport = 40000\n\n'
    )
    assert files["key_id"] == b"1"
    assert re.fullmatch(rb"0x[0-9a-f]{40}", files["node_address"])
    assert rows(files["kms.db"], tmp_path)["config"][0][2] == "sm"
    assert {"config/config.xml", "config/cert.pem", "config/key.pem", "kms-log4rs.yaml"} <= files.keys()
    assert not {"kms.db.base64", "key_file", "network-key"} & files.keys()


def test_a_second_start_keeps_what_the_services_wrote_and_brings_what_is_new(tmp_path: Path) -> None:
    assert not Pod(tmp_path, plan_of(local())).start()
    data = tmp_path / "data"
    (data / "kms.db").write_bytes(b"with a second account")
    (data / "blocks/1").write_text("a block")
    assert not Pod(tmp_path, plan_of(local({"network.logLevel": "debug"}))).start()
    assert (data / "kms.db").read_bytes() == b"with a second account"
    assert (data / "blocks/1").exists()
    assert '"level": "debug"' in (data / "kms-log4rs.yaml").read_text()


def test_with_bft_the_node_key_takes_the_place_of_kms_db(tmp_path: Path) -> None:
    pod = Pod(tmp_path, plan_of(local({"network.services": {}})), index=2)
    assert not pod.start()
    files = pod.tree()
    assert re.fullmatch(rb"0x[0-9a-f]{64}", files["node_key"])
    assert "kms.db" not in files
    assert files["key_id"] == b"2"


@pytest.mark.parametrize("changes", [{"network.genesis.timestamp": 10**12}, {"network.genesis.blockInterval": 3}])
def test_a_volume_of_another_chain_is_refused_untouched(tmp_path: Path, changes: dict[str, int]) -> None:
    assert not Pod(tmp_path, plan_of(local())).start()
    other = Pod(tmp_path, plan_of(local(changes)))
    before = other.tree()
    assert "another chain, or the data of another account" in other.start()
    assert other.tree() == before


def test_a_volume_of_another_node_of_the_chain_is_refused(tmp_path: Path) -> None:
    assert not Pod(tmp_path, plan_of(local())).start()
    assert "another account" in Pod(tmp_path, plan_of(local()), index=1).start()


def test_a_changed_password_is_refused_before_kms_panics(tmp_path: Path) -> None:
    assert not Pod(tmp_path, plan_of(local())).start()
    changed = Pod(tmp_path, plan_of(local({"defaults.kmsPassword": "654321"})))
    before = changed.tree()
    assert "another kmsPassword" in changed.start()
    assert changed.tree() == before


def test_another_kind_of_storage_is_refused_before_it_starts_empty(tmp_path: Path) -> None:
    assert not Pod(tmp_path, plan_of(local({"network.services.storage": "storage_rocksdb"}))).start()
    changed = Pod(tmp_path, plan_of(local()))
    before = changed.tree()
    assert "the blocks of storage_rocksdb, which storage_sqlite does not read" in changed.start()
    assert changed.tree() == before


def test_a_database_that_runner_k8s_made_is_known_by_its_file(tmp_path: Path) -> None:
    pod = Pod(tmp_path, plan_of(local({"network.services.storage": "storage_rocksdb"})))
    (pod.data / "storage.db").touch()
    assert "the blocks of storage_sqlite" in pod.start()


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("node_address", "0x" + "ab" * 20, "the data of account 0xabab"),
        ("init_sys_config.toml", "version = 0\n", "another chain"),
        ("genesis.toml", "timestamp = 1\n", "another block 0"),
    ],
)
def test_a_volume_of_runner_k8s_is_known_by_its_files(tmp_path: Path, file: str, text: str, words: str) -> None:
    pod = Pod(tmp_path, plan_of(local()))
    (pod.data / file).write_text(text)
    assert words in pod.start()
    assert pod.tree() == {file: text.encode()}


def test_a_volume_of_the_same_chain_that_runner_k8s_made_is_taken_over(tmp_path: Path) -> None:
    pod = Pod(tmp_path, plan_of(local()))
    assert not pod.start()
    (pod.data / ".archipelago").unlink()
    assert not pod.start()


@pytest.fixture
def syncthing() -> Iterator[Syncthing]:
    made = Syncthing()
    yield made
    made.close()


def test_a_node_that_comes_later_is_known_without_a_restart_of_the_pod(tmp_path: Path, syncthing: Syncthing) -> None:
    pod, later = Pod(tmp_path, plan_of(local())), plan_of(local({"nodes.node3": {"index": 3}}))
    assert not pod.start()
    config = pod.data / "config/config.xml"
    config.write_text(f"{config.read_text()}<!-- syncthing writes into it, too -->")
    with pod.keeper(syncthing):
        pod.deliver(later)
        until(lambda: syncthing.keys == ["test-chain"])
        assert config.read_text() == later.live_files["config.xml"]
        assert not config.is_symlink(), "syncthing has to write into it"


def test_a_node_that_was_taken_out_goes(tmp_path: Path, syncthing: Syncthing) -> None:
    pod = Pod(tmp_path, plan_of(local({"nodes.node3": {"index": 3}})))
    assert not pod.start()
    config = pod.data / "config/config.xml"
    assert "test-chain-3" in config.read_text()
    with pod.keeper(syncthing) as printed:
        pod.deliver(plan_of(local()))
        until(lambda: "its list of nodes has changed" in printed.read_text())
    assert "test-chain-3" not in config.read_text()


def test_what_syncthing_writes_into_its_file_restarts_nobody(tmp_path: Path, syncthing: Syncthing) -> None:
    pod = Pod(tmp_path, plan_of(local()))
    assert not pod.start()
    (pod.data / "config/config.xml").write_text("upgraded")
    with pod.keeper(syncthing) as printed:
        time.sleep(0.6)
    assert printed.read_text() == ""
    assert (pod.data / "config/config.xml").read_text() == "upgraded"
    assert syncthing.keys == []


WRONG = (
    "",
    "cut short",
    "no end",
    "<configuration>\n</configuration>\n<configuration>\n</configuration>\n",
    "<configuration>\n    <a>x</b>\n</configuration>\n",
    '<configuration>\n    <a b="x"y">\n    </a>\n</configuration>\n',
    "<configuration>\n    <a>x & y</a>\n</configuration>\n",
    "<configuration>\n    <a>x < y</a>\n</configuration>\n",
    "<configuration>\n    <a>x\x01y</a>\n</configuration>\n",
)


def test_c11_a_list_that_syncthing_could_not_read_takes_no_others_place(tmp_path: Path, syncthing: Syncthing) -> None:
    """One control character stopped syncthing at all nodes at once."""
    pod = Pod(tmp_path, plan_of(local()))
    assert not pod.start()
    plan, config = plan_of(local({"nodes.node3": {"index": 3}})), pod.data / "config/config.xml"
    before, good = config.read_text(), plan.live_files["config.xml"]
    made = {"cut short": good[: len(good) // 2], "no end": good.replace("</configuration>\n", "")}
    with pod.keeper(syncthing) as printed:
        for wrong in WRONG:
            pod.deliver(replace(plan, live_files={**plan.live_files, "config.xml": made.get(wrong, wrong)}))
            time.sleep(0.15)
            assert config.read_text() == before, wrong
        until(lambda: printed.read_text().count("is not well-formed XML") == 1)
        assert not pod.start(), "nor does it at another start of the pod"
        assert config.read_text() == before
        odd = good.replace("test-chain-3", "a &amp; &lt;b&gt; &quot;c&quot; &#10; d'é")
        assert odd != good
        pod.deliver(replace(plan, live_files={**plan.live_files, "config.xml": odd}))
        until(lambda: syncthing.keys == ["test-chain"])
    assert config.read_text() == odd


def test_a_syncthing_that_does_not_answer_is_told_again_later(tmp_path: Path, syncthing: Syncthing) -> None:
    pod = Pod(tmp_path, plan_of(local()))
    assert not pod.start()
    syncthing.broken = True
    with pod.keeper(syncthing) as printed:
        pod.deliver(plan_of(local({"nodes.node3": {"index": 3}})))
        until(lambda: "syncthing does not answer; trying again every 5 s" in printed.read_text())
        syncthing.broken = False
        until(lambda: syncthing.keys == ["test-chain"])
