"""Files of others: nested too deep, too large, or few letters that stand for many values."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pulumi import FileAsset

from archipelago.chains.registry import CHAINS
from archipelago.model import foreign
from archipelago.problems import Refused
from archipelago.settings.stack_file import from_file
from archipelago.stack.bundles import read_files
from cli.load import read_json
from tests.stacks import SOURCE, alpha, beta, bundle, refusal_of, settings_of

pytestmark = pytest.mark.unit

DEPTHS = [*range(1, foreign.DEEPEST + 40), 200, 300, 500, 700, 900, 990, 1000, 1100, 2000, 10_000, 100_000]


def nested(depth: int, inner: str = "") -> str:
    return "[" * depth + inner + "]" * depth


def refused_in_file(folder: Path, text: str) -> str:
    """What is said of a bundle in a file; empty where it is taken."""
    (folder / "alpha.json").write_text(text)
    config = beta({"partners.alpha": {"file": "alpha.json", "unsigned": True}})
    try:
        received = read_files(settings_of(config), folder, SOURCE)
    except Refused as refused:
        return str(refused)
    return " ".join(problem.text(SOURCE) for problem in refusal_of(config, received))


def test_c31_at_every_depth_a_file_is_read_or_refused_with_the_partners_name(tmp_path: Path) -> None:
    whole = json.dumps({**bundle(alpha()), "more": 0})
    for depth in DEPTHS:
        text = whole.replace('"more": 0', f'"more": {nested(depth)}')
        said = refused_in_file(tmp_path, text)
        assert bool(said) == (depth >= foreign.DEEPEST)  # a shallow one is passed over, as what a later writer added
        assert not said or ("partners.alpha" in said and "nested too deep" in said)


@pytest.mark.parametrize("depth", [100, 700, 5000])
def test_c31_outputs_of_a_stack_that_are_nested_too_deep_are_refused(depth: int) -> None:
    value: Any = []
    for _ in range(depth):
        value = [value]
    for given in ({**bundle(alpha()), "more": value}, {**bundle(alpha()), "externalNodes": [{"name": value}]}):
        (problem,) = refusal_of(beta(), {"alpha": given})
        assert (problem.path, "nested too deep" in problem.message) == ("partners.alpha", True)


@pytest.mark.parametrize("kind", list(CHAINS))
def test_c31_a_genesis_that_is_nested_too_deep_is_none(kind: str) -> None:
    for depth in DEPTHS:
        with pytest.raises(ValueError, match=r".+"):
            CHAINS[kind].read_genesis(f'{{"config": {nested(depth)}}}')


@pytest.mark.parametrize("depth", [100, 700, 100_000])
def test_c31_the_command_line_refuses_what_is_nested_too_deep(tmp_path: Path, depth: int) -> None:
    (tmp_path / "x.json").write_text(f'{{"a": {nested(depth)}}}')
    with pytest.raises(Refused, match="nested too deep"):
        read_json(tmp_path / "x.json")


def test_c31_the_limit_is_not_that_of_python_which_libraries_raise() -> None:
    """A parser that calls itself once a level ends the process then."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10**6)
    try:
        with pytest.raises(ValueError, match="nested too deep"):
            foreign.parsed(nested(200_000))
    finally:
        sys.setrecursionlimit(before)


def test_c27_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "alpha.json").open("wb") as file:
        file.truncate(foreign.LARGEST + 1)
    with pytest.raises(ValueError, match="it must have at most"):
        foreign.read(tmp_path / "alpha.json")


def test_c27_outputs_of_a_stack_are_as_large_as_a_file_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    given = bundle(alpha())
    monkeypatch.setattr(foreign, "LARGEST", 100_000)
    assert not refusal_of(beta(), {"alpha": given})
    for more in ("x" * 100_000, [1.0] * 100_000, {"x" * 60_000: ["x" * 60_000]}):
        (problem,) = refusal_of(beta(), {"alpha": {**given, "more": more}})
        assert (problem.path, "at most 100000 bytes" in problem.message) == ("partners.alpha", True)


def yaml_refusal(folder: Path, text: str) -> str:
    (folder / "Pulumi.x.yaml").write_text(text)
    with pytest.raises(Refused) as refused:
        from_file(folder / "Pulumi.x.yaml")
    return str(refused.value)


@pytest.mark.parametrize("shape", ["[{}]", "{{<<: [{}]}}"])
def test_c32_aliases_of_aliases_end_in_a_message_at_once(tmp_path: Path, shape: str) -> None:
    lines = ["config:", "  archipelago:l0: &l0 {a: b}"]
    lines += [f"  archipelago:l{n}: &l{n} {shape.format(', '.join([f'*l{n - 1}'] * 10))}" for n in range(1, 12)]
    began = time.monotonic()
    assert "at most 100000 values" in yaml_refusal(tmp_path, "\n".join(lines))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("text", ["config: &r [*r]", "config: &r {a: *r}", "config:\n  archipelago:x: &r [[*r]]"])
def test_c32_an_alias_inside_what_it_names_is_a_message(tmp_path: Path, text: str) -> None:
    assert "stands inside what it names" in yaml_refusal(tmp_path, text)


def test_c32_yaml_that_is_nested_without_end_is_a_message(tmp_path: Path) -> None:
    assert "nested too deep" in yaml_refusal(tmp_path, f"config: {nested(1000)}")


def test_c32_a_few_aliases_are_written_out(tmp_path: Path) -> None:
    text = "config:\n  archipelago:a: &a {b: 1}\n  archipelago:c: *a\n  archipelago:d: {<<: *a, e: 2}\n"
    (tmp_path / "Pulumi.x.yaml").write_text(text)
    assert from_file(tmp_path / "Pulumi.x.yaml") == {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1, "e": 2}}


MARK = {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", "path": "/etc/hostname"}
NO_DATA = {
    "a file of the engine": MARK,
    "a value that is not known": ["04da6b54-80e4-46f7-96ec-b56ff0331ba9"],
    "half a character": "\ud800",
    "a number that no float holds": 10**400,
    "a number without end": float("inf"),
    "no number": float("nan"),
    "an object": FileAsset("/etc/hostname"),
}


@pytest.mark.parametrize("value", NO_DATA.values(), ids=NO_DATA)
def test_what_is_no_plain_data_makes_a_partner_wrong_and_ends_no_run(value: Any) -> None:
    """Relayed in our outputs it would be read by the engine: a file of this machine, or a value that is no text."""
    given = bundle(alpha())
    for changed in (
        {**given, "more": value},
        {**given, "sealed": {"beta": value}},
        {**given, "externalNodes": [value]},
    ):
        problems = refusal_of(beta(), {"alpha": changed})
        assert [problem.path for problem in problems] == ["partners.alpha"]
        assert "cannot be read" in problems[0].message


def test_a_text_without_an_end_is_read_once() -> None:
    """At each of its quotes a search that fails would begin anew: hours for a megabyte."""
    with pytest.raises(ValueError, match="Unterminated string"):
        foreign.parsed('{"a": "' + '\\"' * 300_000)


def test_a_text_that_is_sealed_under_a_long_name_is_refused() -> None:
    given = {**bundle(alpha()), "sealed": {"beta": {"x" * 66_000: "y"}}}
    problems = refusal_of(beta({"partners.alpha.unsigned": True}), {"alpha": given})
    assert any("it must seal at most" in problem.message for problem in problems)
