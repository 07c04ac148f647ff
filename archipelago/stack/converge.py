"""Several organisations' stacks planned together, as repeated runs of each would leave them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archipelago.chains.contract import Chain, Given
from archipelago.model.record import LATEST
from archipelago.settings.read import Settings
from archipelago.stack.outputs import bundle
from archipelago.stack.plan import StackPlan, plan_stack

Received = Mapping[str, Mapping[str, Any] | None]


@dataclass(frozen=True)
class Written:
    """One stack before anybody is asked for anything.

    Args:
        stack: Name of the stack.
        settings: What was written.
        chain: The protocol.
        root: The project's folder.
        source: The stack file's name, for messages.
        received: Bundles at hand, by partner; None for a partner that is not there.
        last: The stack's own last outputs; empty where there are none.
        given: What its cluster answered to what the protocol asks; empty where it was not asked.
    """

    stack: str
    settings: Settings
    chain: Chain
    root: Path
    source: str
    received: Received = field(default_factory=dict)
    last: Mapping[str, Any] = field(default_factory=dict)
    given: Given = field(default_factory=dict, repr=False)

    def plan(self, also: Received | None = None, now: int = 0) -> StackPlan:
        """Plan it.

        Args:
            also: More bundles by partner; they win over those at hand.
            now: As of `plan_stack`.

        Raises:
            Refused: With every problem found.
        """
        received = {**self.received, **(also or {})}
        return plan_stack(
            self.settings,
            self.chain,
            self.stack,
            received,
            self.last,
            self.root,
            self.source,
            self.given,
            now=now,
        )


def converge(stacks: Sequence[Written]) -> tuple[StackPlan, ...]:
    """Plan stacks that read each other, again and again, until none changes what it hands over.

    Each round tells a stack one layer more (identities, then the genesis, then nothing), so there are three at most in
    a sound network; more than one a stack and those can only mean that two of them chase each other.

    Raises:
        Refused: One of them cannot be planned.
    """
    bundles: dict[str, Mapping[str, Any]] = {}
    plans: tuple[StackPlan, ...] = ()
    for _ in range(len(stacks) + 3):
        before = dict(bundles)
        planned = []
        for each in stacks:
            plan = each.plan(_from(each, bundles), LATEST)  # whatever was taken before, this is newer
            bundles[each.stack] = bundle(plan, plan.records).plain()
            planned.append(plan)
        plans = tuple(planned)
        if bundles == before:
            break
    return plans


def _from(reader: Written, bundles: Mapping[str, Mapping[str, Any]]) -> Received:
    """What the others gave to the partners that name their stacks."""
    named = {
        name: partner.stack.rpartition("/")[2] for name, partner in reader.settings.sources.items() if partner.stack
    }
    return {name: bundles[stack] for name, stack in named.items() if stack in bundles and stack != reader.stack}
