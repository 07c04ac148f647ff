"""What a lab settles before anything is started, and what it deletes."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from lab import ports, settling, state
from lab.errors import LabError
from lab.lab import Lab
from lab.profiles import PROFILES
from lab.settling import Wanted
from lab.state import ClusterState, LabState
from lab.tools import Toolchain

pytestmark = pytest.mark.unit

KIND = PROFILES["control-plane"]


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Lab(tmp_path / "lab")


def settle(lab: Lab, known: LabState | None = None, *, count: int = 2, new_ports: bool = False) -> LabState:
    said: list[str] = []
    return settling.settle(lab, KIND, known, Wanted(count, new_ports), {}, said.append)


def test_every_cluster_gets_ports_of_its_own(lab: Lab) -> None:
    settled = settle(lab, count=3)
    assert list(settled.clusters) == ["a", "b", "c"]
    chosen = [port for cluster in settled.clusters.values() for port in cluster.ports.values()]
    assert len(chosen) == len(set(chosen)) == 9


def test_ports_and_clusters_are_kept(lab: Lab) -> None:
    first = settle(lab, count=3)
    assert settle(lab, first, count=2) == first


@pytest.mark.parametrize("count", [0, 9])
def test_a_lab_has_a_reasonable_number_of_clusters(lab: Lab, count: int) -> None:
    with pytest.raises(LabError, match=r"archipelago lab up --clusters 2"):
        settle(lab, count=count)


def test_a_port_that_others_remember_is_not_changed_without_being_told_to(lab: Lab) -> None:
    first = settle(lab)
    port = first.clusters["b"].ports["apiserver"]
    with socket.socket() as server:
        server.bind((ports.LOOPBACK, port))
        server.listen(1)
        with pytest.raises(LabError, match=rf"Port {port} .* pid {os.getpid()} .* --new-ports"):
            settle(lab, first)
        moved = settle(lab, first, new_ports=True)
    assert moved.clusters["b"].ports["apiserver"] != port
    assert moved.clusters["b"].ports["etcd"] == first.clusters["b"].ports["etcd"]
    assert moved.clusters["a"] == first.clusters["a"]


def test_a_port_that_nobody_remembers_is_changed_silently(lab: Lab) -> None:
    first = settle(lab)
    with socket.socket() as server:
        server.bind((ports.LOOPBACK, first.clusters["a"].ports["etcd"]))
        server.listen(1)
        moved = settle(lab, first)
    assert moved.clusters["a"].ports["apiserver"] == first.clusters["a"].ports["apiserver"]
    assert moved.clusters["a"].ports["etcd"] != first.clusters["a"].ports["etcd"]


def test_the_state_is_read_as_it_was_written(lab: Lab) -> None:
    assert lab.state() is None
    written = LabState(profile="control-plane", clusters={"a": ClusterState(ports={"apiserver": 20001})})
    state.write(lab.folder, written)
    assert lab.state() == written
    cluster = lab.cluster("a")
    assert (cluster.server, cluster.context, cluster.address) == ("https://127.0.0.1:20001", "lab-a", "127.0.10.1")
    with pytest.raises(LabError, match=r"no cluster b \(it has a\)"):
        lab.cluster("b")


def test_a_state_of_another_making_is_an_error_with_a_way_out(lab: Lab) -> None:
    lab.folder.mkdir()
    (lab.folder / "lab.json").write_text('{"version": 99}')
    with pytest.raises(LabError, match="down --purge"):
        lab.clusters()


def test_an_unknown_profile_is_an_error(lab: Lab) -> None:
    with pytest.raises(LabError, match="no profile clouds"):
        lab.profile("clouds")


def test_a_lab_keeps_its_profile(lab: Lab) -> None:
    state.write(lab.folder, LabState(profile="clouds", clusters={}))
    with pytest.raises(LabError, match="has the profile clouds"):
        lab.profile("control-plane")


def test_purge_deletes_what_the_lab_made_and_nothing_else(lab: Lab) -> None:
    (lab.folder / "clusters" / "a").mkdir(parents=True)
    (lab.folder / "thesis.txt").touch()
    assert lab.down(purge=True) == 0
    assert [entry.name for entry in lab.folder.iterdir()] == ["thesis.txt"]
    (lab.folder / "thesis.txt").unlink()
    lab.down(purge=True)
    assert not lab.folder.exists()


def test_a_damaged_lab_can_be_purged(lab: Lab) -> None:
    lab.folder.mkdir()
    (lab.folder / "lab.json").write_text("{")
    lab.down(purge=True)
    assert not lab.folder.exists()


def test_organisations_share_a_backend_and_no_passphrase(lab: Lab, tmp_path: Path) -> None:
    toolchain = Toolchain({"pulumi": tmp_path / "bin" / "pulumi"}, {})
    one, other = (lab.stack_environment(name, toolchain) for name in ("a", "b"))
    assert one["PULUMI_BACKEND_URL"] == other["PULUMI_BACKEND_URL"]
    assert one["PULUMI_BACKEND_URL"] == f"{(lab.folder / 'backends' / 'shared').as_uri()}?metadata=skip"
    secrets = [Path(environment["PULUMI_CONFIG_PASSPHRASE_FILE"]) for environment in (one, other)]
    assert secrets[0].read_text() != secrets[1].read_text()
    assert {secret.stat().st_mode & 0o777 for secret in secrets} == {0o600}
    own = lab.stack_environment("a", toolchain, backend="own")
    assert own["PULUMI_BACKEND_URL"].endswith("/backends/own?metadata=skip")
    assert lab.stack_environment("a", toolchain) == one


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden"])
def test_an_organisation_cannot_name_a_file_elsewhere(lab: Lab, name: str) -> None:
    with pytest.raises(LabError, match="cannot name a file"):
        lab.stack_environment(name, Toolchain({}, {}))
