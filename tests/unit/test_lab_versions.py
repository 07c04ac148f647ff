"""Versions as programs print them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.tools.versions import Version

pytestmark = pytest.mark.unit

NUMBER = st.integers(min_value=0, max_value=9999)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("v3.259.0\n", "3.259.0"),
        ("etcd Version: 3.6.8\nGit SHA: Not provided\nGo Version: go1.26.8\nGo OS/Arch: linux/amd64\n", "3.6.8"),
        ("Kubernetes v1.36.3", "1.36.3"),
        ("Client Version: v1.36.3\nKustomize Version: v5.8.1\n", "1.36.3"),
        ("kwok version v0.8.0 go1.26.8 (linux/amd64)", "0.8.0"),
        ("Client Version: v1.32.4-dispatcher", "1.32.4-dispatcher"),
        ("Client Version: v1.34.1+k3s1", "1.34.1"),
        ("go1.26", "1.26.0"),
    ],
)
def test_the_version_is_found_in_what_a_program_prints(printed: str, expected: str) -> None:
    assert str(Version.find(printed)) == expected


def test_a_text_without_a_version_has_none() -> None:
    assert Version.find("command not found") is None


@pytest.mark.parametrize("text", ["", "latest", "1", "1.2.3.4", "1.36.3 or so"])
def test_what_is_more_or_less_than_a_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a version"):
        Version.parse(text)


@given(NUMBER, NUMBER, NUMBER)
def test_a_version_that_was_written_is_read_back(major: int, minor: int, patch: int) -> None:
    version = Version(major, minor, patch)
    assert Version.parse(str(version)) == version


@given(st.tuples(NUMBER, NUMBER, NUMBER), st.tuples(NUMBER, NUMBER, NUMBER))
def test_versions_compare_as_numbers(one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    assert Version(*one).at_least(Version(*other)) == (one >= other)


@pytest.mark.parametrize(
    ("version", "enough"),
    [("1.36.0", True), ("1.36.0-rc.1", False), ("1.36.0-alpha", False), ("1.36.0-gke.100", True), ("1.9.9", False)],
)
def test_unfinished_releases_are_older_and_suffixes_of_distributions_do_not_count(version: str, enough: bool) -> None:
    assert Version.parse(version).at_least(Version.parse("1.36.0")) is enough
