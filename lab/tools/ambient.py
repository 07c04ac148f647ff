"""The first place to look for a tool: what the machine already has on PATH, and new enough."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.tools.definitions import Tool
from lab.tools.versions import Version

_ANSWER_WITHIN = 10.0
"""Seconds that a program has to say its version; one that asks a daemon or the network does not count as there."""

_WRAPPERS = ("dispatcher",)
"""Suffixes of programs that only pass the call on to another version, chosen when they run."""


@dataclass(frozen=True)
class Ambient:
    """A tool that is already there: its programs, and the version that all of them say."""

    programs: dict[str, Path]
    version: str


class NotThereError(Exception):
    """Why what the machine has cannot be used, as half a sentence."""


def look(tool: Tool, environment: Mapping[str, str] | None = None) -> Ambient:
    """Find a tool on this machine.

    Args:
        tool: what to look for.
        environment: instead of the process's own (`PATH`, `PULUMI_HOME`, `HOME`).

    Raises:
        NotThereError: it is missing, too old, a wrapper, or does not answer.
    """
    env = dict(os.environ if environment is None else environment)
    if tool.plugin is not None:
        return _plugin(tool, tool.plugin, env)
    programs = _on_path(tool, env)
    first = programs[tool.programs[0]]
    if tool.probe.arguments is None:
        raise NotThereError(f"{first} cannot say its version")
    # Programs that come as one release have to be of one release; the scripts beside the Pulumi CLI cannot say it.
    answering = tool.programs if tool.name == "control-plane" else tool.programs[:1]
    versions = {program: _ask(programs[program], tool.probe.arguments, env) for program in answering}
    version = versions[tool.programs[0]]
    if any(other != version for other in versions.values()):
        told = ", ".join(f"{program} {found}" for program, found in versions.items())
        raise NotThereError(f"the programs on PATH are of different versions ({told})")
    if not version.at_least(tool.probe.minimum):
        raise NotThereError(f"{first} is {version}, older than {tool.probe.minimum}")
    return Ambient(programs, str(version))


def _plugin(tool: Tool, plugin: str, env: Mapping[str, str]) -> Ambient:
    home = Path(env.get("PULUMI_HOME") or Path(env.get("HOME", str(Path.home()))) / ".pulumi")
    programs = {program: home / "plugins" / plugin / program for program in tool.programs}
    for file in programs.values():
        if not os.access(file, os.X_OK):
            raise NotThereError(f"not in {home / 'plugins'}")
    if (home / "plugins" / f"{plugin}.partial").exists():
        raise NotThereError(f"only half installed in {home / 'plugins'}")
    return Ambient(programs, str(tool.probe.minimum))


def _on_path(tool: Tool, env: Mapping[str, str]) -> dict[str, Path]:
    found = shutil.which(tool.programs[0], path=env.get("PATH", ""))
    if found is None:
        raise NotThereError("not on PATH")
    programs = {tool.programs[0]: Path(found)}
    for program in tool.programs[1:]:
        # What belongs together is taken from one place, whatever else PATH holds.
        beside = Path(found).resolve().parent / program
        if not os.access(beside, os.X_OK):
            beside = Path(found).parent / program
        if not os.access(beside, os.X_OK):
            raise NotThereError(f"{found} has no {program} beside it")
        programs[program] = beside
    return programs


def _ask(program: Path, arguments: tuple[str, ...], env: Mapping[str, str]) -> Version:
    quiet = {"PULUMI_SKIP_UPDATE_CHECK": "true", "KUBECONFIG": os.devnull}
    try:
        answer = subprocess.run(  # noqa: S603 - a program of the user's own PATH, with fixed arguments
            [program, *arguments],
            env={**env, **quiet},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ANSWER_WITHIN,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotThereError(f"{program} did not say its version ({type(error).__name__})") from error
    version = Version.find(answer.stdout)
    if answer.returncode != 0 or version is None:
        raise NotThereError(f"{program} did not say its version (exit code {answer.returncode})")
    if any(wrapper in version.suffix for wrapper in _WRAPPERS):
        raise NotThereError(f"{program} is a wrapper ({version}), not the program itself")
    return version
