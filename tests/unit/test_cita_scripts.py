"""The shell of the init step, run for real on a volume below a folder."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from archipelago.model.plan import NodePlan
from archipelago.stack.plan import StackPlan
from tests.cita import local, plan_of
from tests.unit.test_cita_accounts import rows

pytestmark = pytest.mark.unit

FOLDERS = ("blocks/.stfolder", "proposals/.stfolder", "txs/.stfolder", "tx_infos", "chain_data", "logs", "config")


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
        shell, option, script, *words = self._node.init[0].command
        here = re.sub(r"(?<![\w./])/(data|config|peers|identity)\b", rf"{self._root}/\1", script)
        done = subprocess.run([shell, option, here, *words], capture_output=True, text=True, check=False)
        assert (done.returncode != 0) == bool(done.stderr)
        return done.stderr

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


@pytest.mark.parametrize("changes", [{"network.genesis.timestamp": 1}, {"network.genesis.blockInterval": 3}])
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
