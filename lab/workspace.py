"""A project folder of its own for the real `pulumi`, so that stacks are run without touching the checkout's files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from lab.errors import LabError

Event = dict[str, Any]
_STAND_INS = Path(__file__).with_name("stand-ins")
_QUIET = ("same", "read", "refresh")  # operations that change nothing


@dataclass(frozen=True, slots=True)
class Run:
    """One finished run of `pulumi`.

    Args:
        command: What was run, without the program's own name.
        code: Exit code.
        text: What it printed, both streams in their order.
        events: The engine's events, empty for commands that have none.
        seconds: How long it took.
    """

    command: tuple[str, ...]
    code: int
    text: str
    events: tuple[Event, ...]
    seconds: float

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """What it did, or would do: operation, type token and logical name, sorted; components and the stack apart."""
        found = []
        for event in self.events:
            step = event.get("resourcePreEvent", {}).get("metadata", {})
            if step and step["op"] not in _QUIET and not step["type"].startswith(("pulumi:", "archipelago:")):
                found.append((step["op"], step["type"], step["urn"].rpartition("::")[2]))
        return sorted(found)

    def expect(self, code: int = 0) -> Run:
        """This run, if it ended so.

        Raises:
            LabError: It ended otherwise; with what it printed.
        """
        if self.code != code:
            command = " ".join(("pulumi", *self.command))
            raise LabError(f"{command} ended with exit code {self.code}, not {code}:\n{self.text}")
        return self

    @property
    def errors(self) -> list[str]:
        """The error messages that it printed."""
        diagnostics = (event.get("diagnosticEvent", {}) for event in self.events)
        return [each["message"] for each in diagnostics if each.get("severity") == "error"]


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack in a workspace.

    Args:
        name: Its name, as `cluster-a`.
        folder: The workspace.
        environment: What `pulumi` runs with.
    """

    name: str
    folder: Path
    environment: Mapping[str, str]

    @property
    def file(self) -> Path:
        """Its stack file, a copy that may be changed."""
        return self.folder / f"Pulumi.{self.name}.yaml"

    @property
    def configuration(self) -> dict[str, Any]:
        """What its stack file says under `config`."""
        written: dict[str, Any] = YAML(typ="safe").load(self.file)["config"]
        return written

    def configure(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the stack file's configuration in place.

        Args:
            change: Told the mapping under `config`.
        """
        yaml = YAML()
        document = yaml.load(self.file)
        change(document["config"])
        with self.file.open("w") as stream:
            yaml.dump(document, stream)

    def set_seed(self, seed: str) -> None:
        """Set the identity seed, which travels by standard input and never as an argument."""
        self.run("config", "set", "--secret", "archipelago:identitySeed", text=seed).expect()

    def up(self, watch: Callable[[Event], None] = lambda _event: None) -> Run:
        """`pulumi up` without asking."""
        return self._watched("up", "--yes", "--skip-preview", watch=watch)

    def preview(self, watch: Callable[[Event], None] = lambda _event: None) -> Run:
        """`pulumi preview`."""
        return self._watched("preview", "--diff", watch=watch)

    def destroy(self) -> Run:
        """`pulumi destroy` without asking."""
        return self._watched("destroy", "--yes", "--skip-preview")

    def refresh(self) -> Run:
        """`pulumi refresh` without asking."""
        return self._watched("refresh", "--yes", "--skip-preview")

    def outputs(self) -> dict[str, Any]:
        """The outputs of the last run."""
        found: dict[str, Any] = json.loads(self.run("stack", "output", "--json").expect().text)
        return found

    def run(self, *arguments: str, text: str | None = None) -> Run:
        """Run any `pulumi` command on this stack.

        Args:
            arguments: The command, without `--stack`.
            text: What it reads from its standard input.
        """
        started = time.monotonic()
        process = self.start(*arguments)
        printed, _ = process.communicate(text)
        return Run(arguments, process.returncode, printed, (), time.monotonic() - started)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command and leave it running."""
        return subprocess.Popen(  # noqa: S603 - arguments come from the lab's own code
            ["pulumi", *arguments, "--stack", self.name, "--non-interactive"],  # noqa: S607 - the toolchain's, by its PATH
            cwd=self.folder,
            # as a shell there would have it; the other unlocks --event-log
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(_STAND_INS), *filter(None, [os.environ.get("PYTHONPATH")])]),
                **self.environment,
                "PWD": str(self.folder),
                "PULUMI_DEBUG_COMMANDS": "true",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _watched(self, *arguments: str, watch: Callable[[Event], None] = lambda _event: None) -> Run:
        """Run an operation and hand on the engine's events as they come."""
        log = self.folder / f"{self.name}.events"
        log.unlink(missing_ok=True)
        started = time.monotonic()
        process = self.start(*arguments, "--event-log", str(log))
        with ThreadPoolExecutor(max_workers=1) as pool:
            printed = pool.submit(process.communicate)
            events = tuple(_followed(log, printed.done, watch))
            text, _ = printed.result()
        return Run(arguments, process.returncode, text, events, time.monotonic() - started)


class Workspace:
    """A folder with a project file that points to the program, and copies of stack files.

    Args:
        folder: Where it is made; stacks that are there already are kept.
        program: The checkout with `__main__.py` and `Pulumi.yaml`.
    """

    def __init__(self, folder: Path, program: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        yaml = YAML()
        project = yaml.load(program / "Pulumi.yaml")
        # by its path, because a project's folder is where every kind of language host looks for an environment
        project["runtime"] = {"name": "python", "options": {"toolchain": "pip", "virtualenv": sys.prefix}}
        project["main"] = str(program)
        with (folder / "Pulumi.yaml").open("w") as stream:
            yaml.dump(project, stream)

    def stack(self, name: str, text: str, environment: Mapping[str, str]) -> Stack:
        """A stack, made in its backend where it is not there yet.

        Args:
            name: Its name.
            text: Its stack file; one that is there already is kept as it is.
            environment: What `pulumi` runs with; names the backend and the passphrase.

        Raises:
            LabError: `pulumi` refuses.
        """
        stack = Stack(name, self.folder, environment)
        if not stack.file.exists():
            stack.file.write_text(text)
        made = stack.run("stack", "init")
        if "already exists" not in made.text:
            made.expect()
        return stack


def _followed(log: Path, done: Callable[[], bool], watch: Callable[[Event], None]) -> Iterator[Event]:
    """The engine's events, as it writes them."""
    log.touch()  # it makes it a moment after it has started
    with log.open() as stream:
        rest, ended = "", False
        while not ended:
            ended = done()  # asked first: what is written after this is read in one more round
            *whole, rest = (rest + stream.read()).split("\n")
            for line in whole:
                event: Event = json.loads(line)
                watch(event)
                yield event
            if not ended:
                time.sleep(0.1)
