"""Images of every kind: what names one, what pins one, and what no container runtime takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from archipelago.manifests.stack import manifests
from archipelago.settings.images import Image, Repository, tagged
from archipelago.stack.plan import StackPlan
from tests import cita, ipfs
from tests.stacks import alpha, plan_of, problems_of

pytestmark = pytest.mark.unit

DIGEST = "sha256:" + "fb43" * 16
ARCHIVE = "pools.public.swarms.archive"
IMAGE, REPOSITORY = TypeAdapter(Image), TypeAdapter(Repository)


def of_kms(changes: dict[str, Any]) -> dict[str, Any]:
    return cita.local({"network.services.kms": {"kind": "kms_sm", "image": changes["network.services.kms.image"]}})


# of every kind: how its stack file is made, and where an image stands in it
REPOSITORIES: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "goquorum": (alpha, "network.images.goquorum"),
    "tessera": (alpha, "network.images.tessera"),
    "kubo": (ipfs.alpha, "network.images.kubo"),
    "go-ipfs": (ipfs.alpha, "network.images.goIpfs"),
}
IMAGES: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "syncthing": (cita.local, "network.helpers.syncthing"),
    "tools": (cita.local, "network.helpers.tools"),
    "a service": (of_kms, "network.services.kms.image"),
    "the monitor": (ipfs.alpha, "network.monitor.image"),
}


def planned(config: dict[str, Any]) -> StackPlan:
    return {"goquorum": plan_of, "cita-cloud": cita.plan_of, "ipfs": ipfs.plan_of}[config["network"]["kind"]](config)


def images(plan: StackPlan) -> Iterator[str]:
    for each in manifests(plan):
        pod = each.get("spec", {}).get("template", {}).get("spec", {})
        yield from (container["image"] for container in [*pod.get("initContainers", []), *pod.get("containers", [])])


@pytest.mark.parametrize("name", REPOSITORIES)
def test_r07_a_tag_in_a_repository_is_refused_where_the_release_is_the_tag(name: str) -> None:
    make, path = REPOSITORIES[name]
    for given_ in ("registry.example:5000/team/image:22.7.4", f"image:22.7.4@{DIGEST}"):
        (problem,) = problems_of(make({path: given_}))
        assert problem.path == path
        assert "without a tag" in problem.message
        assert "@sha256:" in problem.cure


@pytest.mark.parametrize("name", ["goquorum", "tessera", "kubo"])
def test_r07_a_digest_pins_an_image_and_gets_no_tag(name: str) -> None:
    make, path = REPOSITORIES[name]
    pinned = f"registry.example:5000/team/image@{DIGEST}"
    found = set(images(planned(make({path: pinned}))))
    assert pinned in found
    assert not any(each.startswith(f"{pinned}:") for each in found)
    plain = set(images(planned(make({path: "registry.example:5000/team/image"}))))
    (tagged_,) = {each for each in plain if each.startswith("registry.example:5000/")}
    assert tagged_.rpartition(":")[2][-1].isdigit()


@pytest.mark.parametrize("name", IMAGES)
def test_r07_a_whole_image_has_a_tag_that_stays_or_a_digest(name: str) -> None:
    make, path = IMAGES[name]
    for wrong in ("registry.example:5000/image", "image:latest", "Image:1", "image@sha256:12", "http://image:1"):
        assert [each.path for each in problems_of(make({path: wrong}))] == [path], wrong
    for right in (f"registry.example:5000/image@{DIGEST}", f"image:1.2@{DIGEST}", "registry.example:5000/image:1"):
        assert right in set(images(planned(make({path: right}))))


@pytest.mark.parametrize(
    ("make", "path", "changes"),
    [
        (alpha, "nodes.quorum-node2.version", {"network.images.goquorum": f"a@{DIGEST}"}),
        (alpha, "nodes.quorum-node2.privacyVersion", {"network.images.tessera": f"a@{DIGEST}"}),
        (ipfs.alpha, f"{ARCHIVE}.version", {"network.images.kubo": f"a@{DIGEST}"}),
    ],
)
def test_a_nodes_own_release_cannot_be_that_of_a_pinned_image(
    make: Callable[[dict[str, Any]], dict[str, Any]], path: str, changes: dict[str, Any]
) -> None:
    """It would be started with the options of one release and the program of another."""
    other = "0.41.0" if make is ipfs.alpha else "22.1.6"
    (problem,) = problems_of(make({**changes, path: other}))
    assert problem.path == path
    assert "pins one image" in problem.message
    assert problems_of(make({path: other})) == ()


PART = st.from_regex(r"[a-z0-9]{1,8}((\.|_|__|-)[a-z0-9]{1,5})?", fullmatch=True)
NAMES = st.tuples(
    st.sampled_from(["", "registry.example/", "registry.example:5000/", "localhost:5000/", "[2001:db8::1]:5000/"]),
    st.lists(PART, min_size=1, max_size=3),
).map(lambda parts: parts[0] + "/".join(parts[1]))
TAGS = st.from_regex(r"[A-Za-z0-9_][-A-Za-z0-9_.]{0,20}", fullmatch=True)


@given(NAMES, TAGS)
def test_what_is_made_of_a_repository_is_an_image(name: str, tag: str) -> None:
    assert REPOSITORY.validate_python(name) == name
    assert REPOSITORY.validate_python(f"{name}@{DIGEST}") == f"{name}@{DIGEST}"
    for made in (tagged(name, tag), tagged(f"{name}@{DIGEST}", tag)):
        if not made.endswith(":latest"):
            assert IMAGE.validate_python(made) == made


@given(st.text(max_size=60) | NAMES | st.tuples(NAMES, TAGS).map(":".join))
def test_an_editor_takes_every_image_that_the_program_takes(text: str) -> None:
    for kind in (IMAGE, REPOSITORY):
        try:
            kind.validate_python(text)
        except ValidationError:
            continue
        Draft202012Validator(kind.json_schema()).validate(text)
