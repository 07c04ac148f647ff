"""What a pod does when geth or Tessera ends: the scripts that we render, run for real with programs that end so.

Kubernetes starts a container again whatever its exit code is. Each test plays kubelet: it runs the script anew.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from archipelago.chains.goquorum import tessera
from archipelago.manifests.workload import public_files
from tests.stacks import alpha, given_endpoints, plan_of
from tests.unit.loopback import serving

pytestmark = pytest.mark.unit

NODE = plan_of(alpha()).nodes[0]
SHELLS = tuple(pytest.param(words, id=words[-1]) for words in (("sh",), ("busybox", "sh")) if shutil.which(words[0]))
NO_TESSERA = 112  # geth's own code, private/engine/tessera of GoQuorum: five questions, a second apart
CLOSED = "http://127.0.0.1:1"
PROGRAM = """#!/bin/sh
echo "$*" >> {root}/calls
exit "$(cat {root}/ends-with)"
"""


class Pod:
    """A pod's file system below a folder; geth and Tessera are programs that take notes and end as they are told."""

    def __init__(self, root: Path, shell: tuple[str, ...]) -> None:
        self.root, self.shell = root, shell
        self.started: list[subprocess.Popen[str]] = []
        for folder in ("bin", "config", "data/tm", "identity", "peers", "run/archipelago", "tmp"):
            (root / folder).mkdir(parents=True)
        for program in ("geth", "tessera"):
            (root / "bin" / program).write_text(PROGRAM.replace("{root}", str(root)))
            (root / "bin" / program).chmod(0o755)
        for tool in ("wget", "timeout"):
            (root / "bin" / tool).symlink_to(str(shutil.which("busybox")))
        (root / "config" / tessera.CONFIG).write_text(public_files(NODE, given_endpoints(NODE))[tessera.CONFIG])
        (root / "peers" / tessera.PEERS).write_text(tessera.peers([]))
        self.socket = root / "run/archipelago/tm.ipc"

    def starts(self, name: str, tessera_at: str = CLOSED) -> subprocess.Popen[str]:
        """A container of it, as kubelet starts it, twenty times as fast."""
        command = next(each for each in NODE.containers if each.name == name).command
        text = re.sub(r"(?<![\w/])/(config|data|identity|peers|run|tmp)/", rf"{self.root}/\1/", command[2])
        text = text.replace("sleep 1", "sleep 0.05").replace(f"http://127.0.0.1:{tessera.P2P}", tessera_at)
        text = text.replace("/tessera/bin/tessera", f"{self.root}/bin/tessera")
        environ = {**os.environ, "PATH": f"{self.root}/bin:{os.environ['PATH']}"}
        self.started.append(subprocess.Popen([*self.shell, "-c", text, *command[3:]], env=environ, text=True))
        return self.started[-1]

    def ends_with(self, code: int) -> None:
        """Let programs end so from now on."""
        (self.root / "ends-with").write_text(str(code))

    @property
    def calls(self) -> list[str]:
        """What programs were started with."""
        path = self.root / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def listens(self) -> None:
        """Let Tessera's socket be there, as one that was killed leaves it, too."""
        os.mknod(self.socket, stat.S_IFSOCK | 0o600)


@pytest.fixture
def pod(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pod]:
    """A pod whose images have one of the shells."""
    made = Pod(tmp_path, request.param)
    yield made
    for each in made.started:
        each.kill()
        each.wait()


of_each_shell = pytest.mark.parametrize("pod", SHELLS, indirect=True)


@of_each_shell
def test_a_geth_that_ends_with_112_ends_its_container_and_is_started_when_tessera_answers_again(pod: Pod) -> None:
    pod.listens()
    pod.ends_with(NO_TESSERA)
    with serving(lambda _: (200, {}, b"I'm up!")) as url:
        assert pod.starts("quorum", url).wait(10) == NO_TESSERA
    assert len(pod.calls) == 1, "the container's shell is no second kubelet"
    pod.ends_with(0)
    away = pod.starts("quorum")  # the socket of the Tessera that was killed is there, and its port is closed
    time.sleep(0.5)
    assert away.poll() is None
    assert len(pod.calls) == 1, "geth would end with 112 again, at each start"
    away.terminate()
    assert away.wait(2) == 0
    with serving(lambda _: (200, {}, b"I'm up!")) as url:
        assert pod.starts("quorum", url).wait(10) == 0
    first, second = pod.calls
    assert first == second


@of_each_shell
def test_geth_waits_for_the_socket_and_for_an_answer_that_is_no_error(pod: Pod) -> None:
    pod.ends_with(0)
    statuses, asked = [200], []

    def answer(_: object) -> tuple[int, dict[str, str], bytes]:
        asked.append(statuses[-1])
        return statuses[-1], {}, b""

    with serving(answer) as url:
        waiting = pod.starts("quorum", url)
        time.sleep(0.3)
        assert (waiting.poll(), pod.calls, asked) == (None, [], [])
        statuses.append(503)
        pod.listens()
        end = time.monotonic() + 10
        while len(asked) < 3:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert (waiting.poll(), pod.calls) == (None, [])
        statuses.append(200)
        assert waiting.wait(10) == 0
    assert len(pod.calls) == 1


@of_each_shell
@pytest.mark.parametrize("code", [1, 2, NO_TESSERA, 137])
def test_a_tessera_that_does_not_come_up_ends_its_container_so_and_the_next_start_is_a_clean_one(
    pod: Pod, code: int
) -> None:
    """2 is a socket that a killed one has left, 1 a configuration that it refuses."""
    database = pod.root / "data/tm/db.mv.db"
    database.write_text("payloads")
    for _ in range(2):
        pod.listens()
        pod.ends_with(code)
        assert pod.starts("tessera").wait(10) == code
        assert not pod.socket.exists(), "geth would take it for one that answers, and Tessera would end with 2"
    pod.ends_with(0)
    assert pod.starts("tessera").wait(10) == 0
    assert pod.calls == [f"-configfile {pod.root}/run/archipelago/{tessera.CONFIG}"] * 3
    assert database.read_text() == "payloads"
