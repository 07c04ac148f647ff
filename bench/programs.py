"""The two programs as Pulumi projects in a folder of the bench's own, and how `pulumi` runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bench.figures import Usage
from lab.errors import LabError

REPOSITORY = Path(__file__).resolve().parent.parent
_PROBE = REPOSITORY / "bench" / "probe"


@dataclass(frozen=True)
class Program:
    """One of the two.

    Args:
        name: `ours` or `floor`.
        source: Folder with its `Pulumi.yaml` and `__main__.py`.
        project: Folder in which it is run, with stack files of its own.
        command: Path of `pulumi`.
        environment: Of `pulumi`, whole.
    """

    name: str
    source: Path
    project: Path
    command: str
    environment: Mapping[str, str]

    def prepare(self) -> None:
        """Make the project: that of the sources, in another place and with this very Python."""
        yaml = YAML()
        described = yaml.load((self.source / "Pulumi.yaml").read_text())
        described["main"] = str(self.source)
        described["runtime"] = {"name": "python", "options": {"toolchain": "pip", "virtualenv": sys.prefix}}
        self.project.mkdir(parents=True)
        with (self.project / "Pulumi.yaml").open("w") as file:
            yaml.dump(described, file)

    def make_stack(self, stack: str, config: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        """Make a stack.

        Args:
            stack: Its name.
            config: What its file says, by key with namespace.
            secrets: What it says encrypted.
        """
        self.pulumi("stack", "init", stack)
        file = self.project / f"Pulumi.{stack}.yaml"
        yaml = YAML()
        document = yaml.load(file.read_text())
        document["config"] = dict(config)
        text = StringIO()
        yaml.dump(document, text)
        file.write_text(text.getvalue())
        for key, value in secrets.items():
            self.pulumi("config", "set", "--secret", key, "-s", stack, given=value)

    def pulumi(self, *arguments: str, given: str = "") -> None:
        """Run `pulumi`, unmeasured.

        Raises:
            LabError: It failed.
        """
        done = subprocess.run(  # noqa: S603 - our own
            [self.command, *arguments, "--non-interactive"],
            cwd=self.project, env=self.environment, input=given, text=True, capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise LabError(f"pulumi {' '.join(arguments)} of {self.name} failed:\n{done.stdout[-3000:]}{done.stderr}")

    def measure(
        self, stack: str, *arguments: str, profile: Path | None = None, besides: Mapping[str, str] | None = None
    ) -> Usage:
        """Run `pulumi` and tell what it took.

        Args:
            stack: The stack.
            arguments: Of `pulumi`, as `preview`.
            profile: Where cProfile's figures go; a run with them is slower and compares with nothing.
            besides: More of its environment.

        Raises:
            LabError: It failed, or its program told nothing.
        """
        told, log = self.project / "usage.json", self.project / "last.log"
        told.unlink(missing_ok=True)
        environment = {
            **self.environment,
            **(besides or {}),
            "PYTHONPATH": str(_PROBE),
            "ARCHIPELAGO_BENCH_USAGE": str(told),
        }
        # modules are compiled once and kept, as on a user's machine, whatever this one does with __pycache__
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment["PYTHONPYCACHEPREFIX"] = str(self.project.parent / "bytecode")
        if profile:
            environment["ARCHIPELAGO_BENCH_PROFILE"] = str(profile)
        command = [self.command, *arguments, "-s", stack, "--non-interactive"]
        with log.open("w") as output:
            started = time.perf_counter()
            process = subprocess.Popen(  # noqa: S603 - our own
                command, cwd=self.project, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            # not `wait`: only this call tells what the process and all that it waited for took
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode or not told.exists():
            raise LabError(f"{' '.join(command)} of {self.name} failed:\n{log.read_text()[-3000:]}")
        program = json.loads(told.read_text())
        return Usage(
            seconds=seconds,
            cpu=usage.ru_utime + usage.ru_stime,
            program_seconds=program["seconds"],
            program_cpu=program["cpu"],
            program_peak=program["peak"],
        )
