"""Images as a stack file names them: a repository that gets its tag from a release, or a whole reference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from archipelago.problems import Problem
from archipelago.settings.types import fault

# https://github.com/distribution/reference: what a container runtime takes for a reference
_HOST = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = rf"(?:{_HOST}(?::[0-9]+)?/)?{_PART}(?:/{_PART})*"
_TAG = r"[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}"
_DIGEST = r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}"
_REFERENCE = re.compile(rf"(?P<name>{_NAME})(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?")
_MOVES = "latest"
_PIN = "@sha256: and the 64 hex characters of its digest pin it"


def _parts(text: str) -> re.Match[str]:
    if match := _REFERENCE.fullmatch(text):
        return match
    name, _, digest = text.partition("@")
    if digest and _REFERENCE.fullmatch(name):
        words = f"{text!r} has a digest that no image has"
        raise fault(words, "Copy the whole digest: sha256: and 64 hex characters, as `docker pull` prints it.")
    cure = "Write it in lower case, without a scheme, as registry.example:5000/team/image."
    raise fault(f"{text!r} is no name of an image", cure)


def _repository(text: str) -> str:
    if _parts(text)["tag"]:
        cure = f"Write the repository alone: the tag follows from the release that is set beside it. {_PIN}."
        raise fault(f"a repository must be without a tag, got {text!r}", cure)
    return text


def _image(text: str) -> str:
    found = _parts(text)
    if not found["digest"] and found["tag"] in (None, _MOVES):
        raise fault(f"{text!r} names no release", f"Write a tag that stays what it is; {_PIN}.")
    return text


def tagged(repository: str, tag: str) -> str:
    """The image of a release.

    Args:
        repository: A `Repository`; a digest in it wins over the tag.
        tag: Of the release.
    """
    return repository if pinned(repository) else f"{repository}:{tag}"


def pinned(image: str) -> bool:
    """Whether a digest says which image it is, whatever a tag says."""
    return "@" in image


def one_release(path: str, own: str | None, usual: str, place: str, repository: str) -> Iterator[Problem]:
    """A release of one node that its image cannot be, because a digest pins the image of all.

    Args:
        path: Where the node's release stands.
        own: It; None where it says none.
        usual: That of all nodes.
        place: Where the repository stands.
        repository: It.
    """
    if own and own != usual and pinned(repository):
        words = f"must be {usual}, got {own}: archipelago:{place} pins one image of all nodes by its digest."
        yield Problem(path, words, f"Take it out, or the digest at archipelago:{place}.")


Repository = Annotated[
    str,
    AfterValidator(_repository),
    WithJsonSchema({"type": "string", "pattern": rf"^{_NAME}(?:@(?:{_DIGEST}))?$"}),
]
Image = Annotated[
    str,
    AfterValidator(_image),
    WithJsonSchema({"type": "string", "pattern": rf"^{_NAME}(?::{_TAG}(?:@(?:{_DIGEST}))?|@(?:{_DIGEST}))$"}),
]
