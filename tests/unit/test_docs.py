"""The documentation against the code: links, `make` targets, commands and their options, error messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from archipelago.manifests.stack import manifests
from cli.group import Later
from cli.main import app
from tests.stacks import alpha, plan_of

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (".", "docs", "docs/decisions", "lab", "examples")
PAGES = sorted(page for folder in FOLDERS for page in (ROOT / folder).glob("*.md"))

_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)")
_FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_INDENTED = re.compile(r"^ {4}\S.*$", re.MULTILINE)
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_MAKE = re.compile(r"(?<![\w/.-])make ([a-z][a-z-]*)")
_COMMAND = re.compile(r"(?<![\w/:.@-])archipelago ((?:[a-z]|-)[^`|\n#)]*)")
_MACHINE = re.compile(r"(?<![\w.])/(?:work|root|home|Users)/|pypi\.|proxy\.golang|registry\.npm")


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _prose(page: Path) -> str:
    """A page without its code, in which brackets are no links."""
    return _SPAN.sub("", _FENCE.sub("", page.read_text()))


def _code(page: Path) -> str:
    """Everything on a page that a reader may type, a line each."""
    text = page.read_text()
    rest = _FENCE.sub("", text)
    return "\n".join([*_FENCE.findall(text), *_SPAN.findall(rest), *_INDENTED.findall(rest)])


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = (re.sub(r"[^\w\- ]", "", each.lower()) for each in _HEADING.findall(_FENCE.sub("", page.read_text())))
    return {each.replace(" ", "-") for each in headings}


@cache
def _targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@cache
def _program() -> Any:
    return typer.main.get_command(app)


def _imported(command: Any) -> Any:
    """A command itself, in place of what stands for it until it is run."""
    return command.imported if isinstance(command, Later) else command


def _options(command: Any) -> set[str]:
    return {"--help", "-h"} | {name for each in command.params for name in (*each.opts, *each.secondary_opts)}


def wrong_in(line: str) -> Iterator[str]:
    """What a command line names and the program does not have."""
    command = _program()
    for word in line.split():
        children = getattr(command, "commands", None)
        if word.startswith("-") and len(word) > 1:
            if word.partition("=")[0] not in _options(command):
                yield f"{command.name} has no option {word}"
        elif children and word.strip(",.…"):
            # `up|down` and `lab up, lab down` name several
            for name in word.strip(",.…").split("|"):
                if name not in children:
                    yield f"{command.name} has no command {name}"
                    return
            command = _imported(children[word.strip(",.…").split("|")[0]])


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in _LINK.findall(_prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        assert goal.exists(), f"{_name(page)} links to {target}, which is not there"
        assert goal.is_relative_to(ROOT), f"{_name(page)} links to {target}, outside of the repository"
        if anchor and goal.suffix == ".md":
            assert anchor in _anchors(goal), f"{_name(page)} links to {target}, and there is no such heading"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_make_target_exists(page: Path) -> None:
    named = set(_MAKE.findall(_code(page)))
    assert named <= _targets(), f"{_name(page)} names targets that the Makefile has not"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_command_and_option_exists(page: Path) -> None:
    wrong = [(line, each) for line in _COMMAND.findall(_code(page)) for each in wrong_in(line)]
    assert not wrong, f"{_name(page)} shows commands that do not exist"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_no_page_names_a_machine_or_a_registry(page: Path) -> None:
    assert not _MACHINE.findall(page.read_text()), f"{_name(page)} names what only one machine has"


def test_the_readme_shows_the_two_commands_and_the_picture_on_its_first_screen() -> None:
    first = (ROOT / "README.md").read_text().splitlines()[:20]
    assert any(line.startswith("make demo") for line in first)
    assert any(line.startswith("make test") for line in first)
    assert any("docs/picture.svg" in line for line in first)


def test_every_decision_is_listed() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    listed = (ROOT / "docs" / "decisions" / "README.md").read_text()
    assert [each.name[:4] for each in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    assert all(f"({each.name})" in listed for each in records)


def test_every_error_message_that_the_runbooks_explain_is_in_the_program() -> None:
    """A message that was reworded must not leave its explanation behind."""
    section = (ROOT / "docs" / "operations.md").read_text().partition("## Error messages")[2]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    engines = {
        "unknown stack",
        "the stack is currently locked",
        "Apply failed with",
        "passphrase must be set",
        "violates PodSecurity",
    }
    folders = ("archipelago", "components", "operate")
    program = "\n".join(path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.py"))
    program = re.sub(r'"\s*\n\s*f?"', "", program)  # one text over several lines
    pieces = [
        piece.strip(' "')
        for row in rows
        for message in _SPAN.findall(row.split(" | ")[0])
        for piece in re.split(r"…|: ", message)
    ]
    missing = [each for each in pieces if len(each) > 8 and each not in program and each not in engines]
    assert not missing


def test_the_runbook_shows_what_pulumi_shows_while_a_node_starts() -> None:
    """The provider's words for the last condition that a workload waits for."""
    made = next(each for each in manifests(plan_of(alpha())) if each["kind"] == "StatefulSet")
    last = json.loads(made["metadata"]["annotations"]["pulumi.com/waitFor"])[-1].removeprefix("jsonpath=")
    assert f"`Waiting for {last}`" in (ROOT / "docs" / "operations.md").read_text()
