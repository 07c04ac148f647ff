"""Labs that all workers of a test run share: whichever worker comes first starts one, and it ends with the run."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from lab.lab import Lab
from lab.tools import Toolchain
from lab.workspace import Stack

_FOLDER = "ARCHIPELAGO_TEST_LABS"
_WORKER = "PYTEST_XDIST_WORKER"
_ONE_STATE = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
"""An `up` writes its state once, at its end: a fifth of its CPU. Only a run that is killed leaves another one."""


def prepare() -> None:
    """Name the folder of this run's labs, and let `pulumi` save states at the end; workers inherit both."""
    if _WORKER not in os.environ:
        os.environ.update(_ONE_STATE)
        os.environ[_FOLDER] = tempfile.mkdtemp(prefix="archipelago-")


def clear() -> None:
    """End the labs, and delete their folder."""
    if _WORKER not in os.environ:
        folder = Path(os.environ.pop(_FOLDER))
        for each in folder.iterdir():
            Lab(each).down(purge=True)
        shutil.rmtree(folder)


def shared(toolchain: Toolchain, profile: str, clusters: int) -> Lab:
    """The running lab of a profile."""
    lab = Lab(Path(os.environ[_FOLDER]) / profile)
    # a worker's parent is the process that ends last
    lab.up(toolchain, clusters=clusters, profile=profile, owner=os.getppid() if _WORKER in os.environ else os.getpid())
    return lab


def saved_at_each_step(stack: Stack) -> Stack:
    """A stack whose state is written at each step, as by default: for a run that is killed."""
    return replace(stack, environment={**stack.environment, "PULUMI_SKIP_CHECKPOINTS": "false"})


def worker() -> int:
    """This worker's number, from 0."""
    return int(os.environ.get(_WORKER, "gw0").removeprefix("gw"))
