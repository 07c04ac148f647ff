"""The benchmark's arithmetic, and that its two programs ask the engine for the same things. No time is asserted."""

from __future__ import annotations

import asyncio
import gc
import json
import runpy
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import settings, stack

from archipelago.chains.registry import CHAINS
from archipelago.manifests import limits
from archipelago.manifests.stack import manifests
from archipelago.stack.outputs import outputs
from archipelago.stack.ownership import Met
from archipelago.stack.plan import plan_stack
from bench import network, partners
from bench.__main__ import main, repetitions
from bench.engine import OPERATIONS, UP, Measured
from bench.figures import Pair, Spread, Usage, each, growth, ratio
from bench.programs import REPOSITORY
from bench.pure import PLACES, STAGES, Pure
from bench.report import BEGIN, END, markdown, text, verdicts, write_into
from bench.results import Results
from bench.stopwatch import Stopwatch, find
from lab.errors import LabError

pytestmark = pytest.mark.unit


def usage(seconds: float, peak: int = 1 << 20) -> Usage:
    return Usage(seconds, seconds / 2, seconds / 4, seconds / 8, peak)


def pair(ours: float, floor: float) -> Pair:
    return Pair(usage(ours), usage(floor))


def seconds(used: Usage) -> float:
    return used.seconds


def test_a_ratio_is_taken_within_pairs_so_that_a_slow_minute_cancels() -> None:
    """The machine was three times as slow during the last pair: a ratio of medians would be 3."""
    pairs = [pair(1.1, 1.0), pair(3.3, 3.0), pair(3.6, 3.0)]
    found = ratio(pairs, seconds)
    assert (found.median, found.least, found.most) == pytest.approx((1.1, 1.1, 1.2))


def test_only_what_the_bench_runs_on_is_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """It built Traefik, Prometheus, kubo and every image, which took longer than to measure."""
    asked: list[str] = []

    def resolve(names: Sequence[str], report: object) -> None:
        asked.extend(names)
        raise LabError("enough")

    monkeypatch.setattr("bench.__main__.resolve", resolve)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert main(["--nodes", "5", "--pure"]) == 1
    assert set(asked) == {"pulumi", "kubernetes-provider", "etcd", "control-plane", "kubectl", "kwok"}


def test_a_spread_is_the_median_and_the_extremes() -> None:
    assert Spread.of([4.0, 1.0, 3.0, 2.0]) == Spread(2.5, 1.0, 4.0)
    assert each([pair(1, 5), pair(3, 7)], seconds) == (Spread(2, 1, 3), Spread(6, 5, 7))


@pytest.mark.parametrize(
    ("cost", "expected"),
    [(lambda n: 4 + 0.1 * n, 1.0), (lambda n: 4 + 0.01 * n**2, (100**2 - 25**2) / 75 / ((25**2 - 5**2) / 20))],
    ids=["linear, however large the constant part", "quadratic"],
)
def test_growth_compares_the_price_of_one_more_node(cost: Any, expected: float) -> None:
    assert growth({nodes: cost(nodes) for nodes in (100, 5, 25)}) == pytest.approx(expected)


def test_growth_takes_three_sizes() -> None:
    assert growth({5: 1.0, 100: 2.0}) is None


def test_a_stopwatch_shares_every_moment_out_to_the_innermost_stage() -> None:
    ticks = iter([0.0, 1.0, 3.0, 7.0])
    watch = Stopwatch(lambda: next(ticks))
    with watch.stage("outer"), watch.stage("inner"):
        pass
    assert watch.seconds == {"outer": 1.0 + 4.0, "inner": 2.0}


def test_every_place_that_the_pure_bench_times_is_there() -> None:
    for place in PLACES:
        owner, name = find(place)
        assert callable(getattr(owner, name)), place
    assert set(PLACES.values()) < set(STAGES)


def test_the_two_networks_pin_no_node_port_in_common() -> None:
    """They stand in one cluster, where a NodePort belongs to one Service."""

    def ports(half: int) -> set[int]:
        nodes = network.config(500, namespace="x", half=half)["nodes"].values()
        return {port for node in nodes for port in node["exposure"]["ports"].values()}

    first, second = ports(0), ports(1)
    assert len(first) == len(second) == 1000
    assert not first & second


def test_nodes_for_which_no_node_port_is_left_stand_inside_the_cluster_with_as_many_objects() -> None:
    nodes = list(network.config(693, namespace="x", half=0)["nodes"].values())
    assert nodes[691]["exposure"] == {"ports": {"p2p": 31382, "tessera": 31383}}
    assert nodes[692]["exposure"] == {"type": "ClusterIP"}
    assert list(network.config(1385, namespace="x")["nodes"].values())[1383]["exposure"]["ports"]["tessera"] == 32767


def test_a_large_pure_network_is_valid() -> None:
    assert len(network.settings(network.config(1500, namespace="x")).nodes) == 1500


def calls(nodes: int) -> int:
    """How many calls a run makes that changes nothing, from settings to outputs."""
    written = network.config(nodes, namespace="x")
    first = network.plan(network.settings(written), "bench")
    last = json.loads(json.dumps(outputs(first, first.records)), parse_int=float)
    counted = 0

    def count(_frame: Any, event: str, _given: Any) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        settings = network.settings(written)
        chain = CHAINS[settings.network.kind]
        plan = plan_stack(settings, chain, "bench", {}, last, Path.cwd(), "bench")
        list(manifests(plan))
        outputs(plan, plan.records)
    finally:
        sys.setprofile(None)
    return counted


def test_twice_the_nodes_take_at_most_twice_the_calls() -> None:
    """Seconds are the machine's. What each node does with each other one would be four times as many calls."""
    calls(1)  # what is done once
    few, many, more = (calls(nodes) for nodes in (40, 80, 160))
    assert more - many <= 2.1 * (many - few)


def test_many_partners_are_planned_and_their_sizes_told() -> None:
    few, many = (partners.run(number, 2) for number in (2, 4))
    assert (many.partners, many.nodes) == (4, 2)
    assert few.peers < many.peers < 2 * few.peers
    assert few.received < many.received
    assert 0 < few.exported < many.exported < 2 * few.exported
    assert few.policy < many.policy


def test_the_floors_dictionaries_are_the_manifests(tmp_path: Path) -> None:
    plan = network.plan(network.settings(network.config(2, namespace="x")), "bench")
    network.write_manifests(plan, tmp_path / "floor.json")
    assert json.loads((tmp_path / "floor.json").read_text()) == list(manifests(plan))
    assert (tmp_path / "floor.json").stat().st_mode & 0o077 == 0


class Engine(pulumi.runtime.Mocks):
    """Records what a program registers, components apart, which are what is measured."""

    def __init__(self) -> None:
        self.registered: dict[tuple[str, str], Mapping[str, Any]] = {}

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if not args.typ.startswith("archipelago:"):
            self.registered[args.typ, args.name] = args.inputs
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:
        return {}, [("name", "unknown stack")]


def registered(program: Path, config: Mapping[str, str]) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """Run a Pulumi program under mocks."""
    engine = Engine()

    def execute() -> None:
        runpy.run_path(str(program / "__main__.py"), run_name="__main__")

    async def run() -> None:
        pulumi.runtime.set_mocks(engine, project="bench", stack="bench", organization="organization")
        pulumi.runtime.set_all_config(dict(config), ["archipelago:identitySeed"])
        settings.set_root_resource(None)  # type: ignore[arg-type]  # the one of the run before
        await stack.run_in_stack(execute)

    asyncio.run(run())
    return engine.registered


@pytest.fixture
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("components.program.ask_cluster", lambda *_: ({}, Met()))
    monkeypatch.setattr("components.program.check_cluster", lambda plan, *_, **__: plan)
    yield
    pulumi.runtime.set_all_config({})
    gc.collect()  # the SDK leaves an event loop in every thread of its mocks


@pytest.mark.usefixtures("no_cluster")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_the_floor_registers_what_the_program_registers_with_the_same_provider(tmp_path: Path) -> None:
    """Otherwise the ratio compares two networks."""
    written = network.config(2, namespace="x", context="somewhere")
    ours = {f"archipelago:{key}": json.dumps(value) for key, value in written.items() if key != "organisation"}
    ours |= {"archipelago:organisation": "alpha", "archipelago:identitySeed": network.SEED}
    plan = network.plan(network.settings(written), "bench")
    network.write_manifests(plan, tmp_path / "floor.json")
    floor = {"context": "somewhere", "owner": plan.owner, "manifests": str(tmp_path / "floor.json")}
    found = registered(REPOSITORY, ours)
    assert len(found) > len(list(manifests(plan)))
    assert registered(REPOSITORY / "bench" / "floor", {f"floor:{key}": value for key, value in floor.items()}) == found


def results() -> Results:
    sizes = [Measured(nodes, 5 * nodes) for nodes in (5, 25, 100)]
    for measured in sizes:
        for operation in OPERATIONS:
            floor = 4 + measured.nodes / 10
            measured.pairs[operation] += [pair(1.2 * floor if operation == UP else floor, floor)]
    pure = [
        Pure(nodes, nodes / 100, dict.fromkeys(STAGES, nodes / 1000), nodes << 10, nodes << 20, 5) for nodes in (5, 9)
    ]
    joined = [partners.Joined(50, 20, 0.2, 1 << 20, 2 << 20, 3 << 10, limits.LARGEST // 4, 5 << 10)]
    return Results(sizes, pure, ("Repetition 2 of 100 nodes was left out.",), "2026-01-31", "a machine", joined)


def test_the_goals_stand_beside_the_values() -> None:
    said = list(verdicts(results()))
    assert said[0] == "first preview: 1.00 of the floor's time, 1.00 of its CPU (goal ≤ 1.05 at 100 nodes: met)"
    assert said[1] == "up from nothing: 1.20 of the floor's time, 1.20 of its CPU (goal ≤ 1.05 at 100 nodes: missed)"
    assert said[3] == "Kubernetes objects a node: at most 5.00 (goal ≤ 5: met)"
    assert "(floor 1.00; 1 is linear)" in said[4]


def test_both_reports_hold_every_size_and_what_was_left_out() -> None:
    for shown in (text(results()), markdown(results())):
        assert "25 %" in shown
        assert all(
            word in shown for word in ("1.20 (1.20 to 1.20)", "a machine", "2026-01-31", "was left out", "keystores")
        )


def test_the_single_measurements_can_be_read_back() -> None:
    read = json.loads(results().json())
    assert read["engine"][2]["pairs"][UP][0]["floor"]["seconds"] == 14.0


def test_a_run_without_an_engine_or_without_the_pure_part_is_reported(tmp_path: Path) -> None:
    whole = results()
    assert "without an engine" not in text(Results(whole.engine, []))
    assert "under the engine" not in text(Results([], whole.pure))


def test_a_pages_results_are_replaced_and_nothing_else_of_it(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_into(page, results())
    assert page.read_text() == f"before\n{BEGIN}\n\n{markdown(results())}\n{END}\nafter\n"
    page.write_text("no place\n")
    with pytest.raises(ValueError, match="no place for results"):
        write_into(page, results())


def test_a_node_of_a_large_plan_may_cost_little_more_than_one_of_a_small() -> None:
    pure = [Pure(nodes, 1, {"settings": cpu}, 1, 1, 1) for nodes, cpu in ((100, 1.0), (1000, 11.0), (10000, 130.0))]
    assert list(verdicts(Results([], pure))) == [
        "plan of 1000 nodes: one costs 1.10 of one of 100 (goal ≤ 1.2: met)",
        "plan of 10000 nodes: one costs 1.30 of one of 100 (goal ≤ 1.2: missed)",
    ]


def test_small_sizes_are_measured_more_often_unless_told() -> None:
    assert [repetitions(nodes, None) for nodes in (5, 25, 100, 1000)] == [5, 3, 2, 1]
    assert repetitions(100, 1) == 1
