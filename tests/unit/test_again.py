"""What tests of running clusters look at again and again while something else goes on."""

from __future__ import annotations

import threading
import time

import pytest

from tests.again import again_and_again

pytestmark = pytest.mark.unit

LONG = 10.0  # seconds: a test that fails waits no longer
SOON = 0.001


def test_it_looks_again_and_again_until_the_block_ends() -> None:
    looks = threading.Semaphore(0)
    with again_and_again(looks.release, every=SOON):
        assert all(looks.acquire(timeout=LONG) for _ in range(3))
    while looks.acquire(blocking=False):
        pass
    assert not looks.acquire(timeout=50 * SOON), "it looks on"


def test_it_looks_at_once_and_the_end_of_the_block_does_not_wait_for_the_next_look() -> None:
    looks: list[float] = []
    began = time.monotonic()
    with again_and_again(lambda: looks.append(time.monotonic()), every=LONG):
        pass
    assert len(looks) == 1
    assert time.monotonic() - began < LONG / 2


def test_a_look_that_fails_is_the_last_one_and_fails_the_block_at_its_end() -> None:
    looks: list[None] = []

    def look() -> None:
        looks.append(None)
        if len(looks) == 2:
            raise ConnectionRefusedError

    reached = []
    with pytest.raises(ConnectionRefusedError), again_and_again(look, every=SOON):
        time.sleep(50 * SOON)
        reached.append("its end")
    assert reached
    assert len(looks) == 2


def test_it_looks_no_more_when_the_block_has_failed() -> None:
    looks: list[None] = []
    with pytest.raises(ZeroDivisionError), again_and_again(lambda: looks.append(None), every=SOON):
        raise ZeroDivisionError
    seen = len(looks)
    time.sleep(50 * SOON)
    assert len(looks) == seen


def test_where_the_block_and_a_look_fail_both_are_shown() -> None:
    def look() -> None:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError) as caught, again_and_again(look, every=SOON):
        raise ZeroDivisionError
    assert isinstance(caught.value.__context__, ZeroDivisionError)
