"""`archipelago identity`: who a stack's nodes are, before it was ever deployed."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from archipelago.chains.contract import Chain
from archipelago.identity.curve25519 import signer
from archipelago.model.record import ExternalNode
from archipelago.stack.plan import StackPlan
from cli import consoles
from cli.load import written
from cli.secrets import SeedFile, opened, read_seed
from cli.stacks import HERE, Directory, Stack, Target, find_one

_WIDTH = len("private transactions")


def identity(
    target: Target = None,
    stack: Stack = None,
    directory: Directory = HERE,
    seed_file: SeedFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Print the public half of a stack's identities: its nodes' and the key that signs for its organisation.

    The keys follow from the seed, so nothing has to be deployed. A private key is never printed.

    Example:  archipelago identity -s cluster-a --seed-file seed.txt
    """
    file = find_one([target, stack], directory)
    ready = written(file, opened(file, read_seed(seed_file)))
    plan = ready.plan()
    if as_json:
        consoles.out.print_json(json.dumps(_plain(plan, ready.chain)))
    else:
        consoles.write(_text(plan, ready.chain))


def _plain(plan: StackPlan, chain: Chain) -> dict[str, Any]:
    nodes = [record.plain() | {"url": chain.url(record)} for record in plan.records]
    return {"organisation": plan.settings.organisation, "key": signer(plan.signing_key), "nodes": nodes}


def _text(plan: StackPlan, chain: Chain) -> str:
    organisation, key = plan.settings.organisation, signer(plan.signing_key)
    lines = [
        f"{organisation} signs with {key}",
        f"  partners pin it:  pulumi config set --path archipelago:partners.{organisation}.key {key}",
    ]
    for record in plan.records:
        lines += ["", f"{record.name} ({record.role})"]
        lines += [f"  {label:{_WIDTH}}  {value}" for label, value in _rows(record, chain).items() if value]
    return "\n".join(lines) + "\n"


def _rows(record: ExternalNode, chain: Chain) -> dict[str, str]:
    where = chain.url(record) or "its port or address is known once the cluster has given it"
    return {
        "node id": record.node_id,
        "dialled at": where,
        "validator address": record.address,
        "account": record.account,
        "private transactions": record.privacy_key,
    }
