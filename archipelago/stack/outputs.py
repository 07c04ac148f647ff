"""What a stack exports: one schema, read by partners, by the next run and by people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archipelago.model.record import SCHEMA, Bundle, ExternalNode, NetworkRecord
from archipelago.stack.plan import StackPlan

Outputs = dict[str, Any]
ADDRESSED = ("externalNodes", "identities")  # hold addresses, and the signature over them


def bundle(plan: StackPlan, records: Sequence[ExternalNode]) -> Bundle:
    """What partners get, signed.

    Args:
        plan: The stack.
        records: Its nodes, with the endpoints that the cluster gave.
    """
    genesis = plan.genesis
    network = NetworkRecord(
        name=plan.network,
        kind=plan.settings.network.kind,
        organisation=plan.settings.organisation,
        namespace=plan.namespace,
        founder=plan.founder,
        chain_id=genesis.chain_id if genesis else 0,
        genesis=genesis.text if genesis else "",
        genesis_hash=genesis.hash if genesis else "",
    )
    unsigned = Bundle(organisation=plan.settings.organisation, network=network, external_nodes=tuple(records))
    return unsigned.signed(plan.signing_key)


def outputs(plan: StackPlan, records: Sequence[ExternalNode]) -> Outputs:
    """A stack's outputs; empty lists and texts, never null, which a backend would drop."""
    given = bundle(plan, records).plain()
    return {
        "externalNodes": given["externalNodes"],
        "network": given["network"],
        "identities": {
            "schema": SCHEMA,
            "organisation": plan.settings.organisation,
            "key": given["key"],
            "signature": given["signature"],
        },
        "partners": {
            each.name: {"nodes": len(each.nodes), "key": each.key} for each in plan.imports if not each.absent
        },
        "partnersMissing": list(plan.missing),
        "waitingFor": list(plan.waiting_for),
    }
