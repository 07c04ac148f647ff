"""Where tools come from: PATH, an earlier run, or a build (a fake one here). Vendors: test_lab_vendor.py."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.files import used
from lab.tools import Toolchain
from lab.tools.builder import SETTINGS, GoBuilder
from lab.tools.catalogue import catalogue
from lab.tools.definitions import Build, GoCommand, Probe
from lab.tools.go_run import BuildError
from lab.tools.golang import Go
from lab.tools.report import duration
from lab.tools.versions import Version
from tests.unit.toolbox import Run, etcd, put

pytestmark = pytest.mark.unit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHIPELAGO_OFFLINE", "1")


# PATH


def test_a_program_on_path_that_is_new_enough_is_taken(tmp_path: Path, path: Path) -> None:
    run, there = Run(tmp_path, etcd()), put(path, "etcd", "echo etcd Version: 3.5.13")
    assert run().path("etcd") == there
    assert run.builder.built == []
    assert run.told.lines == [f"+ etcd: 3.5.13, {there}"]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo etcd Version: 3.5.1", "older than 3.5.13"),
        ("echo v3.9.0-dispatcher", "is a wrapper"),
        ("echo 3.6.0; exit 1", "did not say its version (exit code 1)"),
        ("echo hello", "did not say its version"),
        ("no-such-command", "did not say its version (exit code 127)"),
    ],
)
def test_a_program_that_is_old_or_does_not_answer_is_passed_over(
    tmp_path: Path, path: Path, script: str, why: str
) -> None:
    put(path, "etcd", script)
    run = Run(tmp_path, etcd())
    assert run().path("etcd").read_bytes() == b"built"
    assert why in run.told.lines[0]


def test_programs_that_belong_together_are_taken_together_or_not_at_all(tmp_path: Path, path: Path) -> None:
    put(path, "etcd", "echo 3.6.0")
    run = Run(tmp_path, etcd(programs=("etcd", "etcdctl"), downloads=()))
    assert run().path("etcdctl").read_bytes() == b"built"
    assert "has no etcdctl beside it" in run.told.lines[0]


def test_a_control_plane_of_mixed_versions_is_passed_over(tmp_path: Path, path: Path) -> None:
    put(path, "etcd", "echo 3.6.0")
    put(path, "etcdctl", "echo 3.6.1")
    run = Run(tmp_path, etcd(name="control-plane", programs=("etcd", "etcdctl"), downloads=()))
    run()
    assert "different versions (etcd 3.6.0, etcdctl 3.6.1)" in run.told.lines[0]


def test_a_provider_is_looked_for_where_pulumi_keeps_its_plugins(tmp_path: Path) -> None:
    folder = tmp_path / ".pulumi" / "plugins" / "resource-x-v1.0.0"
    folder.mkdir(parents=True)
    there = put(folder, "etcd", "exit 1")
    probe = Probe(None, Version(1, 0, 0), exactly=True)
    assert Run(tmp_path, etcd(plugin="resource-x-v1.0.0", probe=probe))().path("etcd") == there
    (folder.parent / "resource-x-v1.0.0.partial").touch()
    run = Run(tmp_path, etcd(plugin="resource-x-v1.0.0", probe=probe))
    run()
    assert "half installed" in run.told.lines[0]


# Build


def test_a_second_run_builds_nothing(tmp_path: Path, path: Path) -> None:
    Run(tmp_path, etcd())()
    run = Run(tmp_path, etcd())
    run()
    assert run.builder.built == []
    assert "built by an earlier run" in run.told.lines[-1]


def test_tools_of_one_build_are_built_once(tmp_path: Path, path: Path) -> None:
    run = Run(tmp_path, etcd(), etcd(name="ctl", title="ctl", programs=("etcdctl",)))
    toolchain = run()
    assert run.builder.built == ["etcd"]
    assert toolchain.path("etcdctl").parent == toolchain.path("etcd").parent


def test_a_failed_build_leaves_nothing_half_done(tmp_path: Path, path: Path) -> None:
    with pytest.raises(BuildError, match=r"see .*logs/etcd\.log"):
        Run(tmp_path, etcd(), fails=True)()
    left = {entry.name for entry in (tmp_path / "cache").iterdir()}
    assert left <= {"lock", "logs"}


def test_what_a_killed_build_left_is_removed_and_a_damaged_entry_is_made_anew(tmp_path: Path, path: Path) -> None:
    cache = tmp_path / "cache"
    (cache / ".making-killed").mkdir(parents=True)
    (cache / "etcd-key-of-etcd").mkdir()
    assert Run(tmp_path, etcd())().path("etcd").read_bytes() == b"built"
    assert not (cache / ".making-killed").exists()


def test_what_nobody_used_for_a_month_makes_room_for_what_is_made(tmp_path: Path, path: Path) -> None:
    cache = tmp_path / "cache"
    entries = {name: cache / name for name in ("etcd-unused", "etcd-used", "geth-unused")}
    long_ago = time.time() - 31 * 24 * 3600
    for entry in entries.values():
        put(entry, "etcd", "echo 3.6.0")
        os.utime(entry, (long_ago, long_ago))
    used(entries["etcd-used"])
    Run(tmp_path, etcd())()
    assert {name for name, entry in entries.items() if entry.exists()} == {"etcd-used", "geth-unused"}
    made = cache / "etcd-key-of-etcd"
    os.utime(made, (long_ago, long_ago))
    Run(tmp_path, etcd())()
    assert time.time() - made.stat().st_mtime < 60, "it was used now"


def test_the_first_estimate_is_ours_and_the_next_is_measured(tmp_path: Path, path: Path) -> None:
    run = Run(tmp_path, etcd())
    run()
    assert "… building 1 of 1: etcd, takes about 30 s on two cores" in run.told.lines
    run.cache.remember_duration("etcd", 156.2)
    (tmp_path / "cache" / "etcd-key-of-etcd" / "etcd").unlink()
    again = Run(tmp_path, etcd())
    again()
    assert "… building 1 of 1: etcd, took 2 min 36 s last time" in again.told.lines


def test_two_runs_at_once_build_once(tmp_path: Path, path: Path) -> None:
    runs = [Run(tmp_path, etcd()) for _ in range(4)]
    threads = [threading.Thread(target=run) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(run.builder.built) for run in runs) == 1


def test_only_what_is_asked_for_is_resolved(tmp_path: Path, path: Path) -> None:
    run = Run(tmp_path, etcd(), etcd(name="ctl", title="ctl", programs=("etcdctl",)))
    toolchain = run.resolver.resolve(["etcdctl"])
    assert list(toolchain.programs) == ["etcdctl"]
    with pytest.raises(LabError, match="archipelago lab tools"):
        toolchain.path("etcd")
    with pytest.raises(LabError, match="no tool ectd"):
        run.resolver.resolve(["ectd"])


# The real catalogue and keys


def test_every_program_of_the_catalogue_comes_out_of_its_build() -> None:
    for tool in catalogue():
        made = {
            name
            for command in tool.build.commands
            for name in (*command.packages.values(), *command.copies.values(), *command.links)
        }
        assert set(tool.programs) <= made, tool.name


def test_the_keys_of_builds_follow_their_inputs(tmp_path: Path) -> None:
    (tmp_path / "etcd").mkdir()
    sums = tmp_path / "etcd" / "go.sum"
    sums.write_text("one")
    build = etcd().build
    first = GoBuilder(tmp_path).key(build)
    assert GoBuilder(tmp_path).key(build) == first
    sums.write_text("two")
    second = GoBuilder(tmp_path).key(build)
    flags = Build("etcd", "etcd", (GoCommand("etcd", {".": "etcd"}, ldflags="-X a=b"),), 30)
    assert len({first, second, GoBuilder(tmp_path).key(flags)}) == 3


def key_with(version: str, path: Path, **command: object) -> str:
    """The key of a build by some release of Go."""
    builder = GoBuilder(path)
    builder.go = Go(version, None)
    return builder.key(Build("etcd", "etcd", (GoCommand("etcd", {".": "etcd"}, **command),), 30))  # type: ignore[arg-type]


def test_another_patch_release_of_go_builds_nothing_again(tmp_path: Path) -> None:
    """Each release on PATH built everything anew, which takes over an hour on a busy machine."""
    assert key_with("go1.26.6", tmp_path) == key_with("go1.26.8", tmp_path) == key_with("go1.26", tmp_path)
    assert key_with("go1.27.0", tmp_path) != key_with("go1.26.8", tmp_path)
    own = {"GOTOOLCHAIN": "go1.20.14"}
    assert key_with("go1.27.0", tmp_path, environment=own) == key_with("go1.26.8", tmp_path, environment=own)
    older = {"GOTOOLCHAIN": "go1.20.13"}
    assert key_with("go1.26.8", tmp_path, environment=older) != key_with("go1.26.8", tmp_path, environment=own)


def test_a_machine_without_go_has_the_keys_of_one_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    build = etcd().build
    without = GoBuilder(tmp_path).key(build)
    put(tmp_path / "bin", "go", "echo go1.26.99")
    there = GoBuilder(tmp_path)
    assert (there.go.version, there.go.on_path) == ("go1.26.99", tmp_path / "bin" / "go")
    assert there.key(build) == without


def test_verification_is_never_switched_off() -> None:
    assert "-mod=readonly" in SETTINGS["GOFLAGS"]
    assert not {"GOSUMDB", "GONOSUMDB", "GONOSUMCHECK", "GOINSECURE", "GOPRIVATE", "GOPROXY"} & set(SETTINGS)
    for module in {command.module for tool in catalogue() for command in tool.build.commands}:
        folder = Path(__file__).resolve().parents[2] / "lab" / "toolchain" / module
        if "require" in (folder / "go.mod").read_text():
            assert (folder / "go.sum").stat().st_size > 0


# Toolchain


def test_pulumi_finds_the_provider_as_a_plugin_and_its_host_beside_it(tmp_path: Path) -> None:
    names = ("pulumi", "pulumi-language-python", "pulumi-resource-kubernetes")
    programs = {name: put(tmp_path, name, "true") for name in names}
    home = tmp_path / "home"
    for _ in range(2):
        environment = Toolchain(programs, {}).pulumi_environment(home)
    (link,) = home.glob("plugins/resource-kubernetes-v*/*")
    assert link.readlink() == programs["pulumi-resource-kubernetes"]
    assert environment["PATH"].split(os.pathsep)[0] == str(tmp_path)
    assert environment["PULUMI_HOME"] == str(home)


@pytest.mark.parametrize(("seconds", "told"), [(0.2, "0 s"), (59.6, "1 min 0 s"), (156, "2 min 36 s")])
def test_durations_are_told_in_words(seconds: float, told: str) -> None:
    assert duration(seconds) == told
