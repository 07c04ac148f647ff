"""Two spellings of one address are one claim."""

from __future__ import annotations

import pytest

from archipelago.model.endpoint import Endpoint

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("Node.Example.org", "node.example.org"),
    ],
)
def test_spellings_of_one_address_are_one_place(one: str, other: str) -> None:
    assert Endpoint(host=one, port=1).place == Endpoint(host=other, port=1).place
    assert Endpoint(host=one, port=1).place != Endpoint(host=other, port=2).place
