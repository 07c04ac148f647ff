"""CITA-Cloud, as the rest of the program asks for it (`chains.contract.Chain`)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from archipelago.chains.accounts import Account
from archipelago.chains.cita_cloud import account_folder, checks, files, founding, identity, ports, syncthing, workload
from archipelago.chains.cita_cloud.chain_file import NAME, ChainFile, parsed
from archipelago.chains.cita_cloud.device import check_device_id
from archipelago.chains.cita_cloud.running import Controller
from archipelago.chains.cita_cloud.services import stack
from archipelago.chains.cita_cloud.settings import ADDRESS, CitaNetwork, CitaNode, address_text
from archipelago.chains.contract import Genesis, Site
from archipelago.chains.founded import Founded
from archipelago.chains.node import Node
from archipelago.chains.peer_limits import PeerLimits
from archipelago.foreign_text import shown
from archipelago.identity.derive import Keyring
from archipelago.model import names
from archipelago.model.address_book import AddressBook
from archipelago.model.endpoint import Endpoint, Exposed, Port
from archipelago.model.plan import NodePlan, Service
from archipelago.model.record import ExternalNode
from archipelago.problems import Problem
from archipelago.settings.models import NodeSettings, StackSettings
from archipelago.settings.read import Settings

_WHOLE = re.compile(r"[0-9]{1,9}(\.0)?")  # numbers cross stacks as floats
_PASTED = {"name", "address", "host", "portBase", "deviceId", "index"}


class CitaCloud(Founded):
    """CITA-Cloud in the layout of its releases 4 and 5."""

    kind = "cita-cloud"
    notice = (
        "This is CITA-Cloud of 2021, releases 4 and 5, as runner_k8s ran it; later ones have another layout. "
        "Its images were not run in the tests of this program: try a network of your own before you build on one."
    )
    stack_model = StackSettings[CitaNetwork, CitaNode]
    running = Controller()
    peer_limits = PeerLimits("a chain", 1000, of_one=300, of_all=600, of_many=60)  # indices are below 1000

    def ports(self, settings: Settings, node: NodeSettings) -> dict[str, frozenset[str]]:  # noqa: ARG002 - all alike
        """Names of a node's ports that may be pinned one by one."""
        return {"exposure": frozenset(port.name for port in ports.opened(settings.network))}

    def object_name(self, settings: Settings, node: str) -> str:
        """Its objects are named for its index."""
        return ports.object_name(settings.network.name, settings.nodes[node].index or 0)

    def checks(self, settings: Settings) -> Iterable[Problem]:
        """What is wrong with the settings beyond single fields."""
        return checks.problems(settings)

    def doubts(self, settings: Settings) -> Iterable[str]:
        """What works and is seldom meant."""
        return checks.doubts(settings)

    def node(self, settings: Settings, keyring: Keyring, name: str) -> Node[CitaNode]:
        """A node of ours."""
        return identity.node(settings.network, keyring, name, settings.nodes[name])

    def account(self, node: Node[Any]) -> Account:
        """A node's account in the folder of create_account.py."""
        return account_folder.of_node(node)

    def keys(self, node: Node[Any]) -> Mapping[str, bytes]:
        """A node's private half as files."""
        return account_folder.keys(node)

    def identified(self, settings: Settings, name: str, files: Mapping[str, str]) -> Mapping[str, str]:
        """Account, syncthing device and network key."""
        return identity.identified(files, settings.nodes[name].identity)

    def governor(self, settings: Settings, keyring: Keyring, genesis: Genesis | None) -> Account | None:
        """The super admin, where it is derived."""
        admin = parsed(genesis.text).admin if genesis else ""
        return account_folder.of_super_admin(settings.network, keyring, admin)

    def parse_node(self, raw: Mapping[str, Any], network: str, organisation: str) -> ExternalNode:
        """A partner's node, from a record or pasted: name, address, host, portBase, deviceId, index."""
        written = _record(raw) if "deviceId" in raw else raw
        given = ExternalNode.model_validate({"network": network, "organisation": organisation, **written})
        if not ADDRESS.fullmatch(given.address):
            raise ValueError(f"its address {given.address!r} is not 0x and 40 hex characters")
        own = {"node_id": check_device_id(given.node_id), "address": given.address.lower()}
        return given.dialled_at(ports.NETWORK.name, ports.SYNC.name).model_copy(update=own)

    def read_genesis(self, text: str) -> Genesis:
        """A chain.json that was handed to us."""
        try:
            file = parsed(text)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            raise ValueError(f"it is no {NAME}: {'.'.join(map(str, detail['loc']))} {detail['msg']}") from None
        if file.twice:
            raise ValueError(f"the validator {file.twice} stands there twice")
        return _genesis(file, text)

    def unfoundable(self, settings: Settings) -> Iterable[Problem]:
        """Why no genesis can be made of these settings."""
        return founding.unfoundable(settings)

    def found(
        self, settings: Settings, nodes: Mapping[str, Node[Any]], book: Mapping[str, ExternalNode]
    ) -> Genesis | list[str]:
        """Make the genesis, or name the validators that nobody knows yet."""
        made = founding.found(settings, nodes, book)
        return made if isinstance(made, list) else _genesis(made, made.text)

    def validators(self, settings: Settings) -> tuple[str, ...]:
        """The first validators, by name."""
        return founding.validator_names(settings)

    def bears(self, settings: Settings, validators: int) -> int:
        """Less than a third of them; of raft's less than half."""
        return super().bears(settings, validators) if stack(settings.network).bft else max(0, (validators - 1) // 2)

    def differences(
        self, settings: Settings, genesis: Genesis, own: Mapping[str, Node[Any]], book: Mapping[str, ExternalNode]
    ) -> Iterable[Problem]:
        """Where the settings contradict a frozen genesis."""
        return founding.differences(settings, parsed(genesis.text), own, book)

    def beside(self, settings: Settings, genesis: Genesis, known: Mapping[str, int]) -> Mapping[str, int]:  # noqa: ARG002
        """What chain.json does not hold to and nodes of all organisations need alike; coded, as 0 says nothing."""
        network: CitaNetwork = settings.network
        release = int(network.images.removeprefix("v").partition(".")[0])
        return {"images": release, "enableTls": 1 + network.enable_tls, "blockDelay": 1 + network.block_delay}

    def plan(self, settings: Settings, node: Node[Any], site: Site, genesis: Genesis | None) -> NodePlan:
        """What has to run for one node."""
        network: CitaNetwork = settings.network
        own: CitaNode = node.settings
        file = parsed(genesis.text) if genesis else None
        stem = self.object_name(settings, node.name)
        first, *others = ports.services(network, own, site.namespace, site.address)
        mark = f"{file.fingerprint} {node.record.address}" if file else ""
        return NodePlan(
            name=node.name,
            object_name=stem,
            role=node.record.role,
            init=(workload.init(network, own, mark),),
            containers=tuple(workload.containers(network, own)),
            service=first,
            api=None,
            more_services=tuple(others),
            closed_ports=_closed(network, (first, *others)),
            dials=workload.TIKV_PORTS if stack(network)["storage"].kind == "storage_tikv" else (),
            volume=node.volume,
            public_files=_public_files(network, node, file) if file else {},
            private_files=node.private_files,
            labels={"node_name": stem, "chain_name": network.name},
            share_processes=network.monitor,
            await_ready=own.await_ready,
            runs=file is not None,
            stateful=names.may_be_stateful(stem),
            architecture="amd64",  # citacloud published no others
        )

    def services(self, settings: Settings) -> tuple[Service, ...]:
        """The NodePort at which any node answers, in the layout for one cluster."""
        return ports.of_the_chain(settings.network, (node.index or 0 for node in settings.nodes.values()))

    def live_files(
        self,
        network: str,
        book: AddressBook,
        plans: Sequence[NodePlan] = (),  # noqa: ARG002 - names tell it
    ) -> dict[str, str]:
        """Whom each own node dials, and whom syncthing knows; own nodes by their Services inside the cluster."""
        found = [(each, _dialled(network, book, each)) for each in sorted(book, key=_by_index)]
        peers = {node.key: ends["network"] for node, ends in found if "network" in ends}
        devices = [
            syncthing.Device(node.node_id, ends["sync"].host, ends["sync"].host, ends["sync"].port)
            for node, ends in found
            if "sync" in ends
        ]
        listed = {
            f"{ports.object_name(network, node.index or 0)}.toml": files.network_peers(
                (end.host, end.port) for key, end in peers.items() if key != node.key
            )
            for node in book.own
        }
        return {"config.xml": syncthing.config(network, devices), **listed}

    def summary(self, settings: Settings, genesis: Genesis | None) -> tuple[str, ...]:
        """Release, consensus and kms; chain id once there is one."""
        chosen = stack(settings.network)
        known = (f"CITA-Cloud {settings.network.images}", chosen["consensus"].kind, chosen["kms"].kind)
        return (*known, f"chain id {parsed(genesis.text).chain_id[:10]}…") if genesis else known

    def url(self, node: ExternalNode) -> str:
        """Host and port of the network service; empty while they are not known."""
        end = node.endpoints.get("network")
        return str(end) if end else ""

    def external_text(self, nodes: Sequence[ExternalNode]) -> str:
        """Nodes as a partner pastes them under archipelago:partners.<name>.nodes."""
        return "".join(f"- {json.dumps(_pasted(node))}\n" for node in nodes)


def _genesis(file: ChainFile, text: str) -> Genesis:
    # the chain id has 256 bits: it is in the rules
    return Genesis(text, file.hash, 0, NAME, file.rules, file.validators)


def _closed(network: CitaNetwork, opened: Iterable[Service]) -> tuple[Port, ...]:
    """What containers listen on and no Service of the node carries."""
    carried = {port for service in opened for port in service.ports}
    return tuple(port for port in (ports.KMS, *ports.opened(network)) if port not in carried)


def _public_files(network: CitaNetwork, node: Node[CitaNode], file: ChainFile) -> dict[str, str]:
    index = node.settings.index or 0
    logs = {
        f"{role}-log4rs.yaml": files.log_config(role, network.log_level, not network.log_files) for role in files.ROLES
    }
    return {
        **file.node_files(),
        files.NETWORK_CONFIG: files.network_head(network.enable_tls),
        "consensus-config.toml": files.consensus_config(index),
        "controller-config.toml": files.controller_config(network.block_delay),
        files.KEY_ID_FILE: identity.key_id(node.settings, stack(network).bft),
        files.ADDRESS_FILE: node.record.address,
        **logs,
    }


def _by_index(node: ExternalNode) -> tuple[int, str, str]:
    return (node.index if node.index is not None else 1000, *node.key)


def _dialled(network: str, book: AddressBook, node: ExternalNode) -> Mapping[str, Endpoint]:
    if not book.runs(node):
        return node.endpoints
    host = ports.object_name(network, node.index or 0)
    return {
        port.name: Endpoint(host=host, port=port.number, exposure=Exposed.CLUSTER_IP)
        for port in (ports.NETWORK, ports.SYNC)
    }


def _record(pasted: Mapping[str, Any]) -> dict[str, Any]:
    """A record of what a partner wrote in a letter.

    Raises:
        ValueError: A word is missing or unknown, or the port is none.
    """
    if wrong := set(pasted) ^ _PASTED:
        raise ValueError(f"write exactly {', '.join(sorted(_PASTED))}: {', '.join(sorted(wrong))} differs")
    address = address_text(pasted["address"])
    for key, value in (("name", pasted["name"]), ("host", pasted["host"]), ("address", address)):
        if not isinstance(value, str):
            raise ValueError(f"{key} must be a text, got {shown(value)}")
    for key in ("index", "portBase"):
        if isinstance(pasted[key], bool) or not _WHOLE.fullmatch(str(pasted[key])):
            raise ValueError(f"{key} must be a whole number, got {shown(pasted[key])}")
    numbers = ports.block(int(float(pasted["portBase"])))
    ends = {port.name: {"host": pasted["host"], "port": numbers[port.name]} for port in (ports.NETWORK, ports.SYNC)}
    plain = {"name": pasted["name"], "index": pasted["index"], "address": address}
    return {**plain, "nodeId": pasted["deviceId"], "role": "validator", "endpoints": ends}


def _pasted(node: ExternalNode) -> dict[str, Any]:
    end = node.endpoints.get("network")
    place = {"host": end.host, "portBase": end.port} if end else {}
    return {"name": node.name, "index": node.index, "address": node.address, "deviceId": node.node_id, **place}
