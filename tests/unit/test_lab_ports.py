"""Ports: free when chosen, and who has one that is not."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from lab import ports

pytestmark = pytest.mark.unit


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        yield server.getsockname()[1]


def test_ports_are_chosen_within_the_range_and_once_each() -> None:
    chosen = ports.choose(["apiserver", "etcd", "etcd-peer"], "seed")
    assert list(chosen) == ["apiserver", "etcd", "etcd-peer"]
    assert len(set(chosen.values())) == 3
    assert all(port in ports.RANGE and ports.is_free(port) for port in chosen.values())


def test_the_same_seed_leads_to_the_same_ports_unless_they_are_taken() -> None:
    first = ports.choose(["a"], "seed")["a"]
    assert ports.choose(["a"], "seed")["a"] == first
    assert ports.choose(["a"], "seed", taken={first})["a"] != first
    assert ports.choose(["a"], "another seed")["a"] != first


def test_a_port_that_somebody_listens_on_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ports.choose(["a"], "seed")["a"]
    with socket.socket() as server:
        server.bind(("0.0.0.0", first))  # every address includes loopback
        server.listen(1)
        assert not ports.is_free(first)
        assert ports.choose(["a"], "seed")["a"] != first


def test_running_out_of_ports_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "RANGE", range(20000, 20001))
    with pytest.raises(OSError, match="no free port"):
        ports.choose(["a", "b"], "seed")


def test_the_holder_of_a_port_is_named(listener: int) -> None:
    assert f"pid {os.getpid()} " in ports.holder(listener)


def test_nobody_in_particular_holds_a_free_port() -> None:
    assert ports.holder(ports.choose(["a"], "seed")["a"]) == "another process"
