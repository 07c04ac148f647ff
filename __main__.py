"""The Pulumi program: settings and partners in, a network registered, records out."""

from __future__ import annotations

import gc
import sys
from typing import Any

gc.disable()  # what modules make stays: to look through it is a quarter of the CPU of their import

import pulumi

from archipelago.problems import Refused
from components import ChainNetwork, plan_here, provider

gc.freeze()
gc.enable()

REFUSED = 32  # the language host's code for "the program has already said what is wrong"


async def main() -> dict[str, Any]:
    """Register everything this stack's file asks for, or refuse before anything is touched."""
    try:
        plan = await plan_here()
    except Refused as refused:
        pulumi.log.error(str(refused))
        sys.exit(REFUSED)
    return ChainNetwork(plan, pulumi.ResourceOptions(provider=provider(plan))).outputs()


pulumi.run(main)
