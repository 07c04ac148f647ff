"""The real `__main__.py` against a recording engine: what a stack registers, exports, says and refuses.

Nothing that is absent may be asserted before `run` has returned: registrations land while outputs resolve.
"""

from __future__ import annotations

import asyncio
import json
import logging
import runpy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, settings, stack
from pulumi.runtime.config import set_all_config
from pulumi.runtime.proto.source_pb2 import StackTrace

import components.cluster
import components.program
from archipelago.manifests.workload import workload
from archipelago.problems import Problem
from archipelago.stack.ownership import Met
from archipelago.stack.plan import StackPlan
from operate.cluster import Unreachable
from tests.components.engine import PROJECT, WORKLOAD, Engine, Place, Ports, Recorder, Registered
from tests.stacks import Config

REPOSITORY = Path(__file__).parents[2]
HERE = Met(uid="6c1f9f0a-0000-4000-8000-00000000000a", context="cluster-a")
"""The cluster that a run meets."""


@dataclass(frozen=True)
class Run:
    """What one run of the program did."""

    resources: tuple[Registered, ...]
    outputs: dict[str, Any]
    secret_outputs: frozenset[Place]
    exit_code: int
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    read: tuple[str, ...]
    references: tuple[str, ...]

    def of(self, kind: str) -> dict[str, Registered]:
        """Resources of one kind by logical name."""
        return {each.name: each for each in self.resources if each.kind == kind}

    def named(self, kind: str, name: str) -> Registered:
        """The one resource of a kind and a logical name."""
        return self.of(kind)[name]

    def before(self, urn: str) -> set[str]:
        """Everything that has to be there before a resource: what it depends on, and what that depends on."""
        direct = {each.urn: each.depends_on for each in self.resources}
        found: set[str] = set()
        left = [urn]
        while left:
            new = direct.get(left.pop(), frozenset()) - found
            found |= new
            left += new
        return found

    def waited(self, urn: str) -> set[str]:
        """Workloads that were up when a resource was asked for, in a slow run: it waited for them."""
        (asked,) = [each for each in self.resources if each.urn == urn]
        return {each.urn for each in self.resources if each.urn in asked.after and each.type.startswith(WORKLOAD)}


def run(
    config: Config,
    stacks: Mapping[str, Mapping[str, Any] | None] | None = None,
    *,
    preview: bool = False,
    ports: Ports = Ports.ALLOCATED,
    foreign: Iterable[Problem] = (),
    unreachable: str = "",
    asked: list[Any] | None = None,
    sealed: Iterable[str] = ("identitySeed", "nodes"),
    name: str = "cluster-a",
    root: Path = REPOSITORY,
    running: Iterable[str] | None = None,
    met: Met = HERE,
    hidden: str = "",
    left: Mapping[str, Mapping[str, str]] | None = None,
    slow: bool = False,
) -> Run:
    """Run `__main__.py` once.

    Args:
        config: The stack's configuration, as `tests.stacks` makes them.
        stacks: Outputs by full stack name; None or no entry for a stack that is not there.
        preview: As `pulumi preview`, else as `pulumi up`.
        ports: What the provider tells of ports that nobody pinned.
        foreign: What stands in the cluster and is not ours.
        unreachable: Why the cluster does not answer; empty where it does.
        asked: Gets the objects that the cluster is asked for.
        sealed: Top-level keys that stand encrypted in the stack file.
        name: The stack.
        root: The project's folder.
        running: Nodes whose workloads are in the cluster, or these workloads by node; as planned, those that the last
            outputs name unless given.
        met: What the cluster says of itself.
        hidden: Why it does not show its objects before the plan is made; empty where it does.
        left: Files in Secrets of nodes that the outputs do not name, by node.
        slow: A workload is up only when nothing else is asked for any more, as in a cluster: see `Run.waited`.
    """
    recorder = Recorder(Engine(stacks or {}, ports, preview), name, slow=slow)
    logger, told = _logger()
    code = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PULUMI_CONFIG", raising=False)
        # where in the source each resource is made: a seventh of a run, because pytest's stack is deep
        patch.setattr("pulumi.runtime.resource._get_stack_trace", StackTrace)
        patch.setattr(pulumi, "get_root_directory", lambda: str(root))
        patch.setattr(components.cluster, "connect", _connect(unreachable))
        patch.setattr(components.program, "_seconds", lambda: 0)
        patch.setattr(components.cluster, "adopt", lambda *_: None)
        patch.setattr(components.cluster, "met", lambda _: met)
        patch.setattr(components.cluster, "remembered", lambda *given: _remembered(hidden, *given))
        patch.setattr(components.cluster, "foreign", lambda *given: _foreign(asked, foreign, *given))
        patch.setattr(components.cluster, "with_kept_keys", lambda _, plan: plan)
        patch.setattr(components.cluster, "left", lambda *_: left or {})
        patch.setattr(components.cluster, "left_behind", lambda *_: ())
        patch.setattr(components.cluster, "beside_others", lambda _, plan: plan)
        patch.setattr(components.cluster, "still_listed", lambda _, plan, *__: plan)
        patch.setattr(components.cluster, "left_standing", lambda _, plan: plan)
        patch.setattr(components.cluster, "workloads", lambda _, plan: _workloads(plan, running))
        try:
            asyncio.run(_program(config, sealed, recorder, logger, name, preview))
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else 1
    return Run(
        resources=tuple(sorted(recorder.requests, key=lambda each: each.urn)),
        outputs=recorder.outputs,
        secret_outputs=recorder.secret_outputs,
        exit_code=code,
        errors=tuple(message for level, message in told if level >= logging.ERROR),
        warnings=tuple(message for level, message in told if level == logging.WARNING),
        read=tuple(recorder.invoked),
        references=tuple(recorder.references),
    )


async def _program(
    config: Config, sealed: Iterable[str], recorder: Recorder, logger: logging.Logger, name: str, preview: bool
) -> None:
    # of several outputs that fail the first one is raised; asyncio would print the others when they are collected
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    mocks.set_mocks(
        recorder.mocks, PROJECT, name, preview=preview, logger=logger, monitor=recorder, organization="organization"
    )
    written = {f"{PROJECT}:{key}": v if isinstance(v, str) else json.dumps(v) for key, v in config.items()}
    set_all_config(written, [f"{PROJECT}:{key}" for key in sealed])
    settings.SETTINGS.rpc_manager.clear()  # what a run that failed has left
    settings.SETTINGS.outputs.clear()
    settings.set_root_resource(None)  # type: ignore[arg-type]  # set_mocks made one, and the program makes its own
    program = str(REPOSITORY / "__main__.py")

    def main() -> None:
        runpy.run_path(program, run_name="__main__")

    await stack.run_in_stack(main)


def _connect(unreachable: str) -> Any:
    def connect(_cluster: object) -> Any:
        if unreachable:
            raise Unreachable(unreachable)
        return SimpleNamespace(close=lambda: None)

    return connect


def _remembered(hidden: str, _client: object, _settings: object, _last: object, met: Met) -> Met:
    if hidden:
        raise Unreachable(hidden)
    return met


def _foreign(
    asked: list[Any] | None, found: Iterable[Problem], _client: object, wanted: Iterable[Any], _plan: object
) -> Iterator[Problem]:
    if asked is not None:
        asked += wanted
    yield from found


def _workloads(plan: StackPlan, running: Iterable[str] | None) -> dict[str, Any]:
    """Those of nodes that run, as they are planned."""
    if isinstance(running, Mapping):
        return dict(running)
    names = set(plan.one_by_one if running is None else running)
    return {node.name: workload(plan, node, node.service.endpoints()) for node in plan.nodes if node.name in names}


def _logger() -> tuple[logging.Logger, list[tuple[int, str]]]:
    told: list[tuple[int, str]] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append((record.levelno, record.getMessage()))

    logger = logging.Logger("engine")
    logger.addHandler(Listener())
    return logger, told
