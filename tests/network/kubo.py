"""A running kubo, asked over its API from its cluster's network: a command in its pod costs 0.2 s of CPU a question."""

from __future__ import annotations

import ctypes
import json
import os
import re
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from lab.cluster import Cluster
from tests.network.pods import pods

Answer = TypeVar("Answer")
_CLONE_NEWNET = 0x40000000  # sched.h
_PATIENCE = 10.0  # seconds


def ask(cluster: Cluster, namespace: str, name: str, port: int, path: str) -> Any:
    """What a command of the API answers.

    Args:
        cluster: Where it runs.
        namespace: Its namespace.
        name: Of its pod.
        port: Of its API.
        path: The command, as `swarm/peers`.

    Raises:
        AssertionError: No such pod answers, or it refuses.
    """
    last: Exception | None = None
    for pod in pods(cluster, namespace, re.escape(name)):
        address, token = pod.address, pod.file("secret", "*/api-token")
        if address is None or token is None:
            continue
        headers = {"Authorization": f"Bearer {token.read_text()}"}
        request = urllib.request.Request(f"http://{address}:{port}/api/v0/{path}", method="POST", headers=headers)
        try:
            return _within(cluster.namespace, lambda: _answer(request))  # noqa: B023 - called at once
        except OSError as error:
            last = error
    raise AssertionError(f"{namespace}/{name}: {last or 'there is no such pod yet'}")


def _answer(request: urllib.request.Request) -> Any:
    with urllib.request.urlopen(request, timeout=_PATIENCE) as response:
        return json.load(response)


def _within(namespace: str, call: Callable[[], Answer]) -> Answer:
    """Call in a network namespace: a thread enters it and ends there."""

    def enter() -> Answer:
        entry = os.open(Path("/run/netns") / namespace, os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(entry, _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"setns to {namespace}")
        finally:
            os.close(entry)
        return call()

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(enter).result()
