"""What a Pulumi program has to await before it registers anything: settings, partners, its own last outputs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.runtime.config import _SECRET_KEYS, CONFIG, get_config_env, get_config_secret_keys_env
from pulumi.runtime.invoke import invoke_async
from pulumi.runtime.settings import _get_rpc_manager

from archipelago.chains.registry import CHAINS
from archipelago.checks.settings import problems
from archipelago.foreign_text import NEWLINE, quoted, safe
from archipelago.manifests import limits
from archipelago.model.texts import LONGEST
from archipelago.problems import Problem, Refused
from archipelago.settings.read import located, read
from archipelago.settings.secrecy import in_plain_text
from archipelago.settings.stack_file import from_engine, provider_keys
from archipelago.stack.bundles import PROFILES, SIBLING_NODES, UNREADABLE, bundle_of, read_files
from archipelago.stack.plan import StackPlan, plan_stack
from components import project
from components.cluster import ask_cluster, check_cluster, with_addresses

# An engine built-in that no SDK calls: pinned by tests/engine, and the only place that knows it.
_READ_OUTPUTS = "pulumi:pulumi:readStackOutputs"
_ATTEMPTS = 8
_KEYS = ("externalNodes", "network", "identities", "sealed", *PROFILES, SIBLING_NODES)


async def plan_here() -> StackPlan:
    """Plan the stack that the engine runs.

    Raises:
        Refused: Something is wrong with what was written or received; nothing was registered.
    """
    source = f"Pulumi.{pulumi.get_stack()}.yaml"
    root = project.folder(source)
    written = {**get_config_env(), **CONFIG.get()}
    if elsewhere := list(provider_keys(written)):
        raise Refused(elsewhere, source)
    config = from_engine(written)
    try:
        settings = read(config, source, CHAINS, lambda found: problems(found, CHAINS))
    except Refused as refused:
        raise with_addresses(refused, config.get("cluster"), root) from None
    settings = located(settings, root)
    sealed = {key.rpartition(":")[2] for key in (*get_config_secret_keys_env(), *_SECRET_KEYS.get())}
    if plain := list(dict.fromkeys([*in_plain_text(settings, sealed), *project.in_plain_text(settings, root, source)])):
        raise Refused(plain, source)
    received: dict[str, Mapping[str, Any] | None] = dict(read_files(settings, root, source))
    for name, partner in settings.sources.items():
        if partner.stack:
            received[name] = await _stack(name, partner.stack, required=partner.required)
    here = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    last = await _own(here, source)
    chain = CHAINS[settings.network.kind]
    given, met = ask_cluster(settings, chain.asks(settings), last, source)
    plan = plan_stack(settings, chain, pulumi.get_stack(), received, last, root, source, given, met, _seconds())
    if found := list(limits.problems(plan)):
        raise Refused(found, source)
    plan = check_cluster(plan, chain, source, adopts=not last.get("owner"))
    for warning in plan.warnings:
        pulumi.log.warn(safe(warning, NEWLINE))
    return plan


def _seconds() -> int:
    """Since 1970."""
    return int(time.time())


class _UnreadableStackError(Exception):
    """A stack is there, and its outputs cannot be read; the message says why."""


async def _own(stack: str, source: str) -> Mapping[str, Any]:
    """What this stack exported last; nothing at the first run. Without it a stack that runs would begin anew."""
    try:
        return await _read_outputs(stack) or {}
    except _UnreadableStackError as why:
        cure = "Find out with pulumi stack output why; pulumi cancel ends an update that was cut off."
        raise Refused([Problem("", f"this stack's own last outputs: {why}.", cure)], source) from None


async def _stack(name: str, stack: str, *, required: bool) -> Mapping[str, Any] | None:
    """A partner's stack. A required one is a visible dependency, and a typo in its name is fatal.

    It is read before it is referred to: a reference that fails ends the run, whatever the program catches.
    """
    try:
        outputs = await _read_outputs(stack)
    except _UnreadableStackError as why:
        return {UNREADABLE: str(why)}
    if required:
        reference = pulumi.StackReference(name, stack_name=stack)
        return bundle_of({key: (await reference.get_output_details(key)).value for key in _KEYS})
    return None if outputs is None else bundle_of(outputs)


async def _read_outputs(stack: str) -> Mapping[str, Any] | None:
    """A stack's outputs, or None where there is no such stack.

    Raises:
        _UnreadableStackError: It cannot be read, or its outputs are no data that the SDK can read.
    """
    for attempt in range(_ATTEMPTS):
        try:
            found: Mapping[str, Any] = await invoke_async(_READ_OUTPUTS, {"name": stack})
            return found["outputs"] or {}
        except Exception as error:  # the engine's refusal arrives as a bare Exception, the SDK's in several kinds
            _caught(error)
            if "unknown stack" in str(error):
                return None
            # a backend of files writes a stack's state in place, so a running update can be met in the middle of it
            if "failed to load checkpoint" not in str(error) or attempt == _ATTEMPTS - 1:
                reason = quoted(str(error).strip() or type(error).__name__, LONGEST)
                raise _UnreadableStackError(f"{stack} is not readable ({reason})") from None
            await asyncio.sleep(0.2 * (attempt + 1))
    raise AssertionError("the loop returns or raises")


def _caught(error: Exception) -> None:
    """Make an exception of the SDK one that was caught: for what it cannot read it would end the program all the same.

    Args:
        error: What was raised.
    """
    manager = _get_rpc_manager()
    manager.rpcs[:] = [each for each in manager.rpcs if not _failed_with(each, error)]
    if manager.unhandled_exception is error:
        manager.unhandled_exception = manager.exception_traceback = None


def _failed_with(call: Any, error: Exception) -> bool:
    return bool(call.done() and not call.cancelled() and call.exception() is error)
