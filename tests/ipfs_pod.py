"""A member's pod below a folder: what kubelet would mount, and its shells run for real, with nothing but busybox."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from archipelago.model.endpoint import Endpoint, fill
from archipelago.model.plan import Container
from archipelago.stack.plan import StackPlan
from tests.stacks import given_endpoints

# What the scripts need of ipfs, without a daemon: it makes repositories, and says how it was started.
FAKE = """#!/bin/sh
printf '%s\\n' "$*" >> "$SAID"
case $1 in
  init)
    mkdir -p "$IPFS_PATH"
    cp "$3" "$IPFS_PATH/config"
    echo 18 > "$IPFS_PATH/version"
    : > "$IPFS_PATH/datastore_spec"
    [ -z "${FAILS-}" ] || exit 1 ;;
  version) echo "${REPO-18}" ;;
  repo) echo "${REPO-18}" > "$IPFS_PATH/version" ;;
esac
"""
TOOLS = (
    *("sh", "sleep", "cmp", "cp", "mv", "rm", "rmdir", "mkdir", "cat", "sed", "awk", "sort", "grep", "chmod", "tr"),
    *("timeout", "nc", "httpd", "date", "sync", "head", "tail", "od", "wc", "cut"),
)


class Pod:
    """One member's pod.

    Args:
        root: An empty folder.
        plan: The stack.
        node: Which member; the first unless told otherwise.
        ipfs: A real program; a fake one unless given.
    """

    def __init__(self, root: Path, plan: StackPlan, node: int = 0, ipfs: Path | None = None) -> None:
        self.root, self.data, self._mounted = root, root / "data", 0
        self.repository = self.data / "ipfs"
        self.said = root / "said"
        for folder in (self.data, root / "run", root / "bin"):
            folder.mkdir(parents=True, exist_ok=True)
        self.bin = root / "bin"
        for tool in TOOLS:
            if not (self.bin / tool).exists():
                (self.bin / tool).symlink_to(str(shutil.which("busybox")))
        if ipfs:
            (self.bin / "ipfs").symlink_to(ipfs)
        else:
            (self.bin / "ipfs").write_text(FAKE)
            (self.bin / "ipfs").chmod(0o755)
        self.take(plan, node)

    def take(self, plan: StackPlan, node: int = 0, endpoints: Mapping[str, Endpoint] | None = None) -> None:
        """Mount what a plan says, as a new pod gets it."""
        self.node = plan.nodes[node]
        ends = given_endpoints(self.node) if endpoints is None else endpoints
        self.mount("config", {name: fill(text, ends) for name, text in self.node.public_files.items()})
        self.mount("identity", self.node.private_files)
        self.deliver(plan.live_files)

    def deliver(self, live_files: Mapping[str, str]) -> None:
        """What kubelet does to a running pod when the live files have changed."""
        self.mount("peers", live_files)

    def mount(self, name: str, files: Mapping[str, str]) -> None:
        """As a ConfigMap is mounted: links into a folder that a link of two dots names, and that is changed at once."""
        folder = self.root / name
        self._mounted += 1
        made = folder / f"..{self._mounted}"
        made.mkdir(parents=True)
        for file, text in files.items():
            (made / file).write_text(text)
            (made / file).chmod(0o440)
        (folder / "..new").symlink_to(made.name)
        (folder / "..new").rename(folder / "..data")
        for file in files:
            if not (folder / file).is_symlink():
                (folder / file).symlink_to(f"..data/{file}")
        for each in folder.iterdir():
            if not each.name.startswith("..") and each.name not in files:
                each.unlink()

    def note_arguments(self) -> Path:
        """Let each program that is started write its arguments down; where."""
        noted = self.root / "arguments"
        for tool in TOOLS:
            program = (self.bin / tool).readlink()
            (self.bin / tool).unlink()
            words = f'printf "%s " {tool} "$@" >> {noted}\nexec {program} {tool} "$@"\n'
            (self.bin / tool).write_text(f"#!{program} sh\n{words}")
            (self.bin / tool).chmod(0o755)
        return noted

    def here(self, command: tuple[str, ...], **changes: str) -> list[str]:
        """What a container runs, inside this folder; pieces of the script replaced."""
        shell, option, script, *words = command
        script = re.sub(r"(?<![\w./])/(data|config|peers|identity)\b", rf"{self.root}/\1", script)
        script = script.replace("/run/archipelago", f"{self.root}/run").replace("/tmp/status", f"{self.root}/status")
        script = script.replace("/tmp/work", f"{self.root}/work")
        for old, new in changes.items():
            script = script.replace(old, new)
        return [str(self.bin / shell), option, script, *words]

    def environment(self, container: Container, **more: str) -> dict[str, str]:
        """The container's own, with the tools of this folder."""
        path = f"{self.root}/run/bin:{self.bin}" if "PATH" in container.env else str(self.bin)
        inside = {name: self._inside(value) for name, value in container.env.items()}
        return inside | {"PATH": path, "HOME": str(self.root), "SAID": str(self.said)} | more

    def _inside(self, value: str) -> str:
        return value.replace("/data/", f"{self.data}/")

    def container(self, name: str) -> Container:
        """One of the pod's containers."""
        return next(each for each in (*self.node.init, *self.node.containers) if each.name == name)

    def run(self, name: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a container's command to its end."""
        container = self.container(name)
        return subprocess.run(
            self.here(container.command),
            env=self.environment(container, **more),
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )

    @contextmanager
    def running(self, name: str, **changes: str) -> Iterator[Path]:
        """A container's command while it runs; where it prints. It has to end when it is told to."""
        container = self.container(name)
        printed = self.root / f"{name}.log"
        with printed.open("a") as said:
            process = subprocess.Popen(
                self.here(container.command, **changes),
                env=self.environment(container),
                cwd=self.root,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        try:
            yield printed
        finally:
            process.terminate()
            code = process.wait(60)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)  # what kubelet does to all that is left of a container
            assert code == 0, printed.read_text()
