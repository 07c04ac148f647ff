"""What a stack exports: one schema, read by partners, by the next run and by people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archipelago.model.record import BUNDLE, LATEST, SCHEMA, Bundle, ExternalNode, NetworkRecord, canonical
from archipelago.stack import accepted
from archipelago.stack.bundles import PROFILES, SIBLING_NODES
from archipelago.stack.exchange import Tokens
from archipelago.stack.plan import StackPlan

Outputs = dict[str, Any]
ADDRESSED = ("externalNodes", "identities", "profiles")  # hold addresses, and the signature over them
GRANTED = ("identities", "profiles")  # hold sealed tokens, and the signature over them


def bundle(plan: StackPlan, records: Sequence[ExternalNode], tokens: Tokens | None = None) -> Bundle:
    """What partners get, signed.

    Args:
        plan: The stack.
        records: Its nodes, with the endpoints that the cluster gave.
        tokens: What the cluster gave partners a way in with; sealed before it is anywhere else.
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
        beside_genesis=(genesis and dict(genesis.beside)) or None,
        purpose=BUNDLE,
    )
    sharing = plan.sharing
    unsigned = Bundle(
        organisation=plan.settings.organisation,
        network=network,
        external_nodes=tuple(records),
        sealing_key=sharing.sealer.key if sharing else None,
        sealed={name: dict(items) for name, items in sharing.sealed.items()} if sharing else None,
        profiles=plan.exchange.profiles(records, tokens or {}, plan.signing_key),
        relayed_profiles=plan.exchange.relayed(),
        sibling_nodes=_of_siblings(plan),
    )
    counted = network.model_copy(update={"edition": _edition(plan, unsigned)})
    return unsigned.model_copy(update={"network": counted}).signed(plan.signing_key)


def _of_siblings(plan: StackPlan) -> tuple[ExternalNode, ...] | None:
    """What siblings have of their own, so that a partner that names one stack of ours learns of all our nodes."""
    if not plan.settings.siblings:
        return None
    nodes = (node for given in plan.imports if given.sibling for node in given.nodes)
    return tuple(sorted(nodes, key=lambda node: node.key))


def _edition(plan: StackPlan, unsigned: Bundle) -> int:
    """The count of a bundle: that of the last one where nothing has changed that is known without the cluster.

    The record of the network does not wait for the cluster, so neither can its count. A port that the cluster allocates
    anew is the same edition. It is a time where one is known, so that a stack that has lost its outputs does not begin
    again at 1.
    """
    known = {record.name: record.endpoints for record in plan.records}
    hosts = {node.name: node.service.host for node in plan.nodes}

    def node_of(raw: Mapping[str, Any]) -> dict[str, Any]:
        name, ends = raw["name"], raw["endpoints"]
        told = {port: end for port, end in ends.items() if port in known.get(name, ())}
        dialled = sorted({end["host"] for end in ends.values()} | {hosts.get(name) or ""} - {""})
        return {**raw, "endpoints": told, "hosts": dialled if hosts.get(name) else []}

    def compared(raw: Mapping[str, Any]) -> bytes:
        network = {key: value for key, value in (raw.get("network") or {}).items() if key != "edition"}
        sealed = {key: raw.get(key) for key in ("organisation", "sealingKey", "sealed", SIBLING_NODES)}
        nodes = [node_of(each) for each in raw.get("externalNodes") or ()]
        return canonical({"network": network, "nodes": nodes, **sealed})

    last = int((plan.exported.get("network") or {}).get("edition", 0))
    if last and compared(unsigned.plain()) == compared(plan.exported):
        return last
    return min(max(last + 1, plan.now), LATEST)


def outputs(plan: StackPlan, records: Sequence[ExternalNode], tokens: Tokens | None = None) -> Outputs:
    """A stack's outputs; empty lists and texts, never null, which a backend would drop."""
    given = bundle(plan, records, tokens).plain()
    common = {"sealingKey": given["sealingKey"]} if plan.sharing else {}
    return {
        "externalNodes": given["externalNodes"],
        "network": given["network"],
        "identities": {
            "schema": SCHEMA,
            "organisation": plan.settings.organisation,
            "key": given["key"],
            "signature": given["signature"],
            **common,
        },
        "partners": {
            each.name: {"nodes": len(each.nodes), "key": each.key}
            for each in plan.imports
            if each.nodes or not each.absent
        },
        "accepted": accepted.written(plan.imports, plan.before, plan.settings, plan.unheard if plan.standing else ()),
        "partnersMissing": list(plan.missing),
        "waitingFor": list(plan.waiting_for),
        "owner": plan.owner,
        "cluster": dict(plan.cluster),
        **_file_formats(plan),
        **_shared(plan),
        **{key: given[key] for key in (*PROFILES, SIBLING_NODES) if key in given},
    }


def _file_formats(plan: StackPlan) -> Outputs:
    """What the next run has to know, lest it restart nodes; nothing of those in the first format."""
    found = {name: number for name, number in plan.file_formats.items() if number > 1}
    return {"fileFormats": found} if found else {}


def _shared(plan: StackPlan) -> Outputs:
    """What is sealed, for partners and by them; nothing for a protocol that never seals.

    `received` is safe there: each text is still sealed, to this stack's own key, and stood in the partner's outputs.
    """
    if plan.sharing is None:
        return {}
    sealed, received = (
        {name: dict(items) for name, items in each.items()} for each in (plan.sharing.sealed, plan.sharing.received)
    )
    return {"sealed": sealed, "received": received, "sealingKeys": dict(plan.sharing.keys)}
