"""The pinned modules of the toolchain: what several of them build is built once, because they agree on versions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

import pytest

from lab.tools.definitions import MODULES

pytestmark = pytest.mark.unit

APART = ("goquorum",)
"""Modules with a Go of their own: nothing that others compiled is of use to them."""

SHARED = re.compile(r"golang\.org/x/(crypto|net|oauth2|sync|sys|term|text|time)|google\.golang\.org/protobuf")
"""Below nearly everything: a package is compiled anew for each version of each of its dependencies."""

KUBERNETES = ("k8s.io/api", "k8s.io/apimachinery", "k8s.io/client-go")


def required() -> Mapping[str, Mapping[str, set[str]]]:
    """By dependency and version, the modules that require it."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for file in sorted(MODULES.glob("*/go.mod")):
        text = re.sub(r"^replace \(.*?^\)", "", file.read_text(), flags=re.MULTILINE | re.DOTALL)
        for dependency, version in re.findall(r"^\s*(?:require )?([\w./-]+) (v\S+)", text, re.MULTILINE):
            if file.parent.name not in APART:
                found[dependency][version].add(file.parent.name)
    return found


def test_what_is_below_everything_has_one_version_in_all_modules() -> None:
    """Eight modules with eight versions compiled a third of the toolchain twice or more."""
    shared = {name: versions for name, versions in required().items() if SHARED.fullmatch(name)}
    assert len(shared) == 9
    assert {name: dict(versions) for name, versions in shared.items() if len(versions) > 1} == {}


@pytest.mark.parametrize("name", KUBERNETES)
def test_modules_on_one_minor_release_of_kubernetes_libraries_have_the_same_patch(name: str) -> None:
    of_minor: dict[str, set[str]] = defaultdict(set)
    for version, modules in required()[name].items():
        if "prometheus" not in modules:  # it is built without the part that uses them
            of_minor[version.rpartition(".")[0]].add(version)
    assert {minor: versions for minor, versions in of_minor.items() if len(versions) > 1} == {}


def test_no_sum_is_missing_for_what_is_required() -> None:
    for file in MODULES.glob("*/go.mod"):
        sums = file.with_name("go.sum").read_text() if file.with_name("go.sum").exists() else ""
        text = re.sub(r"^(replace|exclude) \(.*?^\)", "", file.read_text(), flags=re.MULTILINE | re.DOTALL)
        replaced = set(re.findall(r"^\s*(?:replace )?(\S+)(?: v\S+)? => ", file.read_text(), re.MULTILINE))
        for dependency, version in re.findall(r"^\s*(?:require )?([\w./+-]+) (v\S+)", text, re.MULTILINE):
            if dependency not in replaced:
                assert f"{dependency} {version}" in sums, f"{file.parent.name}: {dependency} {version}"
