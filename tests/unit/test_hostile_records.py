"""Any text in any field of what a partner gives: it is refused, or every file that is made of it can be read."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tests.cita
import tests.ipfs
import tests.stacks
from archipelago.problems import Refused
from archipelago.stack.outputs import outputs
from tests.stacks import Config, bundle, plan_of, records_of

pytestmark = pytest.mark.unit

KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
EVIL = [
    "\x01",
    "\x1b[2J",
    "../x y",
    'a"|;s|zz|',
    "&",
    "<a>",
    "a" * 300,
    "Ω",
    "\u202e",
    "a\nb",
    "]]>",
    "$(id)",
    "-v",
    "",
]
WORDS = st.one_of(st.sampled_from(EVIL), st.text(max_size=40), st.sampled_from(["a-b", "beta", "203.0.113.9"]))
KINDS = {
    "goquorum": (tests.stacks.alpha, tests.stacks.beta),
    "cita-cloud": (tests.cita.outside, tests.cita.joiner),  # a genesis for alpha's own nodes
    "ipfs": (tests.ipfs.alpha, tests.ipfs.beta),
}
Step = tuple[Any, ...]


def texts(value: Any, at: Step = ()) -> Iterator[Step]:
    """Where the texts of a bundle stand."""
    if isinstance(value, str):
        yield at
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from texts(item, (*at, key))


def replaced(given: Config, at: Step, text: str) -> Config:
    found: Any = copy.deepcopy(given)
    inner = found
    for step in at[:-1]:
        inner = inner[step]
    inner[at[-1]] = text
    return found  # type: ignore[no-any-return]


def check(name: str, text: str) -> None:
    """What a program reads can be read."""
    assert KEY.fullmatch(name)
    if name.endswith(".json") and text.strip():
        json.loads(text)
    elif name.endswith(".toml"):
        tomllib.loads(text)
    elif name.endswith(".xml"):
        ElementTree.fromstring(text)


@pytest.mark.parametrize("kind", KINDS)
def test_c1_c11_c12_c24_any_text_is_refused_or_makes_files_that_can_be_read(kind: str) -> None:
    founder, joiner = KINDS[kind]
    sent = bundle(founder())
    places = sorted(texts(sent), key=str)
    config = tests.stacks.changed(joiner(), {"partners.alpha.unsigned": True})

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(places), WORDS)
    def run(at: Step, text: str) -> None:
        try:
            plan = plan_of(config, {"alpha": replaced(sent, at, text)})
        except Refused as refused:
            assert all(problem.path for problem in refused.problems)
            return
        for name, file in plan.live_files.items():
            check(name, file)
        for node in plan.nodes:
            for name, file in node.public_files.items():
                check(name, file)
        json.dumps(outputs(plan, records_of(plan), {}))

    run()
