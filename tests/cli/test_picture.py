"""`archipelago picture`: the network of some stacks on a screen, whatever its width, number and state."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from archipelago.chains.registry import CHAINS
from archipelago.picture.model import ALLOCATED, Picture, draw, short
from archipelago.stack.converge import Written, converge
from cli.drawing import Drawing
from tests.cli.conftest import Project
from tests.stacks import STACKS, Config, alpha, beta, bundle, changed, seed, settings_of
from tests.world import World

pytestmark = pytest.mark.unit

CHAIN = CHAINS["goquorum"]


def picture(*configs: Config, **received: Config) -> Picture:
    """The picture of some stacks that read each other; bundles of others by name."""
    written = []
    for config in configs:
        settings = settings_of(config)
        stack = STACKS[settings.organisation]
        given = {name: each for name, each in received.items() if name in settings.partners}
        written.append(Written(stack, settings, CHAIN, Path("/nonexistent"), f"Pulumi.{stack}.yaml", given))
    return draw(converge(written), CHAIN)


def drawn(shown: Picture, width: int = 80, encoding: str = "utf-8") -> list[str]:
    """Its lines on a terminal."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    Console(file=file, width=width, color_system=None).print(Drawing(shown))
    file.flush()
    return [line.rstrip() for line in raw.getvalue().decode(encoding).splitlines()]


def gamma() -> Config:
    """A third organisation, which joins as beta does."""
    changes = {"organisation": "gamma", "identitySeed": seed("gamma"), "cluster.address": "192.0.2.30"}
    return changed(beta(), changes)


def test_a_picture_holds_what_is_about_to_be_deployed() -> None:
    shown = picture(alpha(), beta())
    assert shown.summary == ("GoQuorum 22.7.4", "istanbul", "chain id 1000")
    assert shown.genesis.startswith("0x")
    founder, joiner = shown.organisations
    assert (founder.part, founder.place, founder.address) == ("founds", "cluster-a / consortium", "203.0.113.10")
    assert (joiner.part, len(joiner.nodes)) == ("joins alpha", 2)
    assert founder.nodes[0].ports == (("p2p", "30303"), ("tessera", "30901"))
    assert founder.nodes[1].ports == (("p2p", ALLOCATED), ("tessera", ALLOCATED))
    assert {node.role for node in founder.nodes} == {"validator"}
    (link,) = shown.links
    assert link.forth
    assert link.back
    assert link.ports == ("p2p", "tessera")


def test_in_80_columns_two_clusters_stand_side_by_side() -> None:
    lines = drawn(picture(alpha(), beta()))
    assert max(map(len, lines)) <= 80
    both = next(line for line in lines if "alpha" in line and "beta" in line)
    assert both.index("alpha") < both.index("beta")
    assert any("◀" in line and "▶" in line for line in lines)
    assert any(line.count("quorum-node1") == 2 for line in lines)


def test_where_it_is_narrow_they_stand_one_below_the_other() -> None:
    lines = drawn(picture(alpha(), beta()), width=50)
    assert max(map(len, lines)) <= 50
    text = "\n".join(lines)
    assert text.index("alpha  founds") < text.index("▲ p2p · tessera") < text.index("beta  joins alpha")


def test_a_wide_screen_has_a_line_a_node_less() -> None:
    shown = picture(alpha(), beta())
    assert len(drawn(shown, 120)) < len(drawn(shown, 80))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_no_line_is_longer_than_the_screen_and_no_node_is_lost(width: int, count: int) -> None:
    shown = picture(*[alpha(), beta(), gamma()][:count])
    lines = drawn(shown, width)
    assert max(map(len, lines)) <= width
    assert sum(line.count("quorum-node") for line in lines) == sum(len(each.nodes) for each in shown.organisations)


def test_the_links_of_three_are_listed_as_far_as_they_go() -> None:
    """beta and gamma are partners of alpha, which only knows beta."""
    lines = drawn(picture(alpha(), beta(), gamma()), 120)
    assert "alpha ◀─ p2p · tessera ─▶ beta" in lines
    assert "gamma ── p2p · tessera ─▶ alpha" in lines


def test_a_partner_that_is_not_there_is_drawn_dashed_with_the_reason() -> None:
    lines = drawn(picture(alpha()))
    assert any("organization/archipelago/cluster-b" in line for line in lines)
    assert any("┊ is not there yet" in line for line in lines)
    assert any("not yet" in line for line in lines)


def test_a_stack_that_waits_says_for_whom() -> None:
    config = alpha({"network.genesis": {"validators": ["quorum-node1", "beta/quorum-node1"]}})
    assert "genesis waits for beta/quorum-node1" in drawn(picture(config))
    together = drawn(picture(config, beta()))
    assert together[1].startswith("genesis 0x"), "beta's stack tells who its validator is"


def test_a_partner_by_its_bundle_is_drawn_with_its_provenance() -> None:
    shown = picture(beta(), alpha=bundle(alpha()))
    theirs = shown.organisations[1]
    assert theirs.name == "alpha"
    assert theirs.place.startswith("signed by ")
    assert theirs.address == "203.0.113.10"
    assert all(where != ALLOCATED for node in theirs.nodes for _, where in node.ports)


def test_a_node_with_a_host_of_its_own_shows_it() -> None:
    config = alpha({"nodes.quorum-node1.exposure.host": "192.0.2.99"})
    (node, *_) = picture(config).organisations[0].nodes
    assert node.ports[0] == ("p2p", "192.0.2.99:30303")


def test_many_nodes_do_not_push_the_rest_off_the_screen() -> None:
    lines = drawn(picture(alpha({"nodes": {f"node{number}": {} for number in range(20)}})), 120)
    assert any("… and 8 more" in line for line in lines)


def test_a_terminal_without_unicode_gets_ascii() -> None:
    lines = drawn(picture(alpha(), beta()), encoding="ascii")
    assert all(line.isascii() for line in lines)
    assert any("<---" in line for line in lines)


def test_an_identity_is_shortened_to_what_people_compare() -> None:
    assert short("ab" * 64) == "abababab…abab"
    assert short("short") == "short"


def test_stacks_settle_when_they_name_each_others_validators() -> None:
    """A waits, B tells, A founds, B joins: four layers, no more rounds."""
    config = alpha({"network.genesis": {"validators": ["quorum-node1", "beta/quorum-node1"]}})
    shown = picture(beta(), config)
    assert shown.genesis
    assert not shown.waiting_for


def test_the_command_draws_all_stacks_of_the_folder(project: Project, secrets: tuple[str, ...]) -> None:
    seeds = [text for stack in ("cluster-a", "cluster-b") for text in ("--seed-file", str(project.seeds[stack]))]
    ran = project.run("picture", *seeds)
    assert ran.code == 0, ran.said
    assert "\x1b" not in ran.out, "plain where it is no terminal"
    assert not [text for text in secrets if text in ran.said]


def test_demo_seeds_need_no_seed_and_say_what_they_are(project: Project) -> None:
    ran = project.run("picture", "--demo-seeds")
    assert ran.code == 0
    assert "publicly known" in ran.err
    assert ran.out == project.run("picture", "--demo-seeds").out


def test_the_svg_is_the_same_for_the_same_network_and_asks_no_server(project: Project, tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        assert project.run("picture", "--demo-seeds", "--svg", str(tmp_path / name)).code == 0
    text = (tmp_path / "one.svg").read_text()
    assert text == (tmp_path / "two.svg").read_text()
    assert "quorum-node1" in text.replace("&#160;", " ")
    assert "url(" not in text.replace("url(#", "")


def test_stacks_of_two_networks_are_not_one_picture(project: Project) -> None:
    project.edit("cluster-b", "name: consortium", "name: another")
    ran = project.run("picture", "--demo-seeds")
    assert ran.code == 1
    assert "consortium (Pulumi.cluster-a.yaml), another (Pulumi.cluster-b.yaml)" in ran.err


def test_a_stack_that_is_refused_is_refused_here_too(project: Project, world: World) -> None:
    project.edit("cluster-b", "    joins: alpha", "    chainId: 1001\n    joins: alpha")
    ran = project.run("picture", "--demo-seeds")
    assert ran.code == 1
    assert "archipelago:network.chainId" in ran.err
    assert world
