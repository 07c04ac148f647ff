"""`archipelago nodes`: a stack's nodes, for itself or in the words that partners paste."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from archipelago.chains.contract import Chain
from archipelago.chains.registry import CHAINS
from archipelago.model.record import ExternalNode
from archipelago.picture.model import ALLOCATED, short
from archipelago.problems import Problem, Refused
from cli import consoles
from cli.deployed import Bundle, Predict, from_outputs, predicted
from cli.load import OutputsFile
from cli.secrets import SeedFile
from cli.stacks import HERE, Directory, Stack, Target, find_one


def nodes(
    target: Target = None,
    stack: Stack = None,
    directory: Directory = HERE,
    external: Annotated[
        bool, typer.Option("--external", help="As partners paste them: external_nodes in the Qubernetes spelling.")
    ] = False,
    bare: Annotated[bool, typer.Option("--bare", help="Without heading.")] = False,
    node_ip: Annotated[
        str | None, typer.Option(help="Instead of every node's host, as seen from a partner.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The records, for programs.")] = False,
    outputs: OutputsFile = None,
    predict: Predict = False,
    seed_file: SeedFile = None,
) -> None:
    """List a stack's nodes and where they are dialled, as its last run exported them.

    Example:  archipelago nodes -s cluster-a --external --bare --node-ip 203.0.113.10
    """
    if predict:
        made = predicted(find_one([target, stack], directory), seed_file, addressed=external)
    else:
        made = from_outputs(outputs, None if outputs else find_one([target, stack], directory))
    chain, records = _records(made, node_ip)
    if as_json:
        consoles.out.print_json(json.dumps([each.plain() for each in records]))
    elif external:
        _check_addresses(chain, records, str(made["organisation"]))
        banner = "" if bare else f"# {made['organisation']}'s {len(records)} nodes of {made['network']['name']}\n"
        consoles.write(banner + chain.external_text(records))
    else:
        consoles.wide.print(_table(records, heading=not bare))


def _records(made: Bundle, node_ip: str | None) -> tuple[Chain, list[ExternalNode]]:
    network, organisation = made["network"], made["organisation"]
    chain = CHAINS.get(network["kind"])
    if chain is None:
        cure = "Update this program: the stack was deployed by a newer one."
        raise Refused([Problem("network.kind", f"{network['kind']} is unknown here.", cure)], organisation)
    try:
        records = [chain.parse_node(each, network["name"], organisation) for each in made["externalNodes"]]
    except ValueError as error:
        cure = "Update this program: the stack was deployed by a newer one."
        raise Refused([Problem("externalNodes", f"a record cannot be read: {error}.", cure)], organisation) from None
    return chain, [_at(each, node_ip) for each in records]


def _check_addresses(chain: Chain, records: Sequence[ExternalNode], source: str) -> None:
    unknown = [each.name for each in records if not chain.url(each)]
    if unknown:
        words = f"nobody knows yet where to dial {', '.join(unknown)}."
        raise Refused([Problem("externalNodes", words, "Run pulumi up, and take its outputs.")], source)


def _at(record: ExternalNode, host: str | None) -> ExternalNode:
    if host is None:
        return record
    moved = {name: endpoint.model_copy(update={"host": host}) for name, endpoint in record.endpoints.items()}
    return record.model_copy(update={"endpoints": moved})


def _table(records: Sequence[ExternalNode], *, heading: bool) -> Table:
    table = Table(box=None, pad_edge=False, show_header=heading)
    ports = list(dict.fromkeys(port for each in records for port in each.endpoints))
    for title in ("node", "role", *ports, "validator address", "node id"):
        table.add_column(title, no_wrap=True)
    for each in records:
        where = (str(each.endpoints.get(port, ALLOCATED)) for port in ports)
        table.add_row(each.name, each.role, *where, each.address, short(each.node_id))
    return table
