"""GoQuorum, as the rest of the program asks for it (`chains.contract.Chain`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archipelago.chains.accounts import Account
from archipelago.chains.contract import Genesis, Site
from archipelago.chains.founded import Founded
from archipelago.chains.goquorum import checks, enode, founding, geth, identity, readiness, rules, tessera, workload
from archipelago.chains.goquorum.genesis import GenesisFile, parsed, unreadable
from archipelago.chains.goquorum.rpc import GethConsole
from archipelago.chains.goquorum.settings import GoQuorumNetwork, GoQuorumNode
from archipelago.chains.goquorum.versions import release
from archipelago.chains.node import Node
from archipelago.identity.curve25519 import check_tessera_public
from archipelago.identity.derive import Keyring
from archipelago.identity.secp256k1 import address_of, check_node_id, verify
from archipelago.model import names
from archipelago.model.address_book import AddressBook
from archipelago.model.endpoint import Exposed, Port, Reach
from archipelago.model.plan import Clients, NodePlan, Service
from archipelago.model.record import ExternalNode
from archipelago.problems import Problem
from archipelago.settings.models import NodeSettings, StackSettings
from archipelago.settings.read import Settings

_P2P = Port("p2p", geth.P2P, Reach.PARTNERS)
_TESSERA = Port("tessera", tessera.P2P, Reach.PARTNERS)
_RPC = Port("rpc", geth.RPC, Reach.OPERATORS)
_WS = Port("ws", geth.WS, Reach.OPERATORS)
_THIRD_PARTY = Port("third-party", tessera.THIRD_PARTY, Reach.OPERATORS)


class GoQuorum(Founded):
    """GoQuorum 2.7.0 and later with IBFT or QBFT; Tessera 0.10.6 and later."""

    kind = "goquorum"
    notice = (
        "GoQuorum and Tessera are at their end of life: last releases June 2024, support ended in June 2026. "
        "Keep what runs on a private network, and plan its successor."
    )
    stack_model = StackSettings[GoQuorumNetwork, GoQuorumNode]
    running = GethConsole()
    peer_limits = geth.PEER_LIMITS

    def ports(self, settings: Settings, node: NodeSettings) -> dict[str, frozenset[str]]:
        """Names of a node's ports by the section that may pin them."""
        shared, api = _ports(settings.network, node)
        return {"exposure": frozenset(p.name for p in shared), "api": frozenset(p.name for p in api)}

    def object_name(self, settings: Settings, node: str) -> str:
        """Its objects are named for it."""
        return names.node_object(settings.network.name, node)

    def checks(self, settings: Settings) -> Iterable[Problem]:
        """What is wrong with the settings beyond single fields."""
        return checks.problems(settings)

    def doubts(self, settings: Settings) -> Iterable[str]:
        """What works and is seldom meant."""
        return checks.doubts(settings)

    def node(self, settings: Settings, keyring: Keyring, name: str) -> Node[GoQuorumNode]:
        """A node of ours."""
        return identity.node(settings.network, keyring, name, settings.nodes[name])

    def earlier(self, keyring: Keyring, node: Node[Any], file_format: int) -> Node[Any]:
        """A node with the keystore that it was made with."""
        return identity.earlier(keyring, node, file_format)

    def account(self, node: Node[Any]) -> Account:
        """A node's account: keystore and password."""
        return identity.account(node)

    def keys(self, node: Node[Any]) -> Mapping[str, bytes]:
        """A node's private half, in the files that its containers mount."""
        return {name: text.encode() for name, text in node.private_files.items()}

    def identified(self, settings: Settings, name: str, files: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002
        """Node id, account and Tessera's key."""
        return identity.identified(files)

    def governor(self, settings: Settings, keyring: Keyring, genesis: Genesis | None) -> None:
        """Nobody: validators vote."""

    def parse_node(self, raw: Mapping[str, Any], network: str, organisation: str) -> ExternalNode:
        """A partner's node, from a record or in the Qubernetes spelling."""
        if enode.is_qubernetes(raw):
            return enode.from_qubernetes(raw, network, organisation)
        given = ExternalNode.model_validate({"network": network, "organisation": organisation, **raw})
        node_id = check_node_id(given.node_id)
        if given.address and given.address != address_of(node_id):
            raise ValueError(f"its address {given.address} is not that of its node id, {address_of(node_id)}")
        if given.privacy_key:
            check_tessera_public(given.privacy_key)
        given = given.dialled_at(_P2P.name, _TESSERA.name)
        given = given.model_copy(update={"node_id": node_id, "address": address_of(node_id)})
        if given.proof is not None and not verify(node_id, given.claim, given.proof):
            raise ValueError(f"its proof is not by the key of its node id, or not for {organisation}")
        return given

    def read_genesis(self, text: str) -> Genesis:
        """A genesis.json that was handed to us."""
        try:
            file = parsed(text)
            file.consensus, file.validators, file.alloc  # noqa: B018 - reading them is the check
            if wrong := unreadable(file):
                raise ValueError(wrong)
            # block 0 is the same whatever the config says, and two configs fork at the first block that they see apart
            first, later = rules.split(file.document["config"])
            return Genesis(text, file.hash, file.chain_id, "genesis.json", first, file.validators, later)
        except (KeyError, TypeError, AttributeError, OverflowError, RecursionError, json.JSONDecodeError) as error:
            raise ValueError(f"it is no genesis.json: {error}") from None

    def unfoundable(self, settings: Settings) -> Iterable[Problem]:
        """Why no genesis can be made of these settings."""
        return checks.unfoundable(settings)

    def found(
        self, settings: Settings, nodes: Mapping[str, Node[Any]], book: Mapping[str, ExternalNode]
    ) -> Genesis | list[str]:
        """Make the genesis, or name the validators that nobody knows yet."""
        made = founding.found(settings, nodes, book)
        return made if isinstance(made, list) else self.read_genesis(made.text)

    def validators(self, settings: Settings) -> tuple[str, ...]:
        """The validators of block 0, by name."""
        return founding.validator_names(settings)

    def differences(
        self, settings: Settings, genesis: Genesis, own: Mapping[str, Node[Any]], book: Mapping[str, ExternalNode]
    ) -> Iterable[Problem]:
        """Where the settings contradict a frozen genesis."""
        return founding.differences(settings, parsed(genesis.text), own, book)

    def beside(self, settings: Settings, genesis: Genesis, known: Mapping[str, int]) -> Mapping[str, int]:
        """The block period, where geth is told it by an argument and the genesis has none."""
        return founding.beside(parsed(genesis.text), settings.network, known)

    def plan(self, settings: Settings, node: Node[Any], site: Site, genesis: Genesis | None) -> NodePlan:
        """What has to run for one node."""
        network: GoQuorumNetwork = settings.network
        file = parsed(genesis.text) if genesis else None
        stem = self.object_name(settings, node.name)
        shared, api = _ports(network, node.settings)
        private = network.privacy.manager == "tessera"
        process = geth.Process(
            release=release(node.settings.version or network.version),
            chain_id=file.chain_id if file else 0,
            times=None
            if not genesis or not file or file.tells_geth_the_times
            else founding.times(file, network, genesis),
            tessera=private,
        )
        return NodePlan(
            name=node.name,
            object_name=stem,
            role=node.record.role,
            init=(workload.init(network, node.settings, genesis.hash if genesis else ""),),
            containers=tuple(workload.containers(network, node.settings, process, stem)),
            service=_service(stem, node.settings.exposure, shared, site),
            api=_service(names.api_service(network.name, node.name), node.settings.api, api, site) if api else None,
            closed_ports=(readiness.PORT,),
            volume=node.volume,
            public_files=_public_files(network, node, file) if private else {},
            private_files=node.private_files,
            min_ready=workload.MIN_READY,
            await_ready=node.settings.await_ready,
            runs=genesis is not None,
            stateful=names.may_be_stateful(stem),
            architecture="amd64",  # the published images of both; neither is built any more
        )

    def services(self, settings: Settings) -> tuple[Service, ...]:  # noqa: ARG002
        """None: a client speaks to one node."""
        return ()

    def live_files(
        self,
        network: str,
        book: AddressBook,
        plans: Sequence[NodePlan] = (),  # noqa: ARG002 - names tell it
    ) -> dict[str, str]:
        """The lists of peers; own nodes stand in it by Service name, so that it never depends on an allocated port."""
        enodes, urls = [], []
        for node in book:
            own = book.runs(node)
            host = names.node_object(network, node.name)
            if own:
                enodes.append(enode.Enode(node.node_id, host, geth.P2P))
            elif p2p := node.endpoints.get("p2p"):
                enodes.append(enode.Enode(node.node_id, p2p.host, p2p.port))
            if own and node.privacy_key:
                urls.append(tessera.own_url(host))
            elif not own and (endpoint := node.endpoints.get("tessera")):
                urls.append(f"http://{endpoint}")
        listed = json.dumps([str(each) for each in enodes], indent=2) + "\n"
        return {"permissioned-nodes.json": listed, "static-nodes.json": listed, tessera.PEERS: tessera.peers(urls)}

    def summary(self, settings: Settings, genesis: Genesis | None) -> tuple[str, ...]:
        """Release, consensus and chain id; while there is no genesis, as far as these settings say them."""
        network: GoQuorumNetwork = settings.network
        consensus = parsed(genesis.text).consensus if genesis else network.consensus
        chain_id = genesis.chain_id if genesis else network.chain_id
        known = (f"GoQuorum {network.version}", consensus, f"chain id {chain_id}" if chain_id else None)
        return tuple(each for each in known if each)

    def url(self, node: ExternalNode) -> str:
        """The enode URL; empty while the node's host or port is not known."""
        p2p = node.endpoints.get("p2p")
        return str(enode.Enode(node.node_id, p2p.host, p2p.port)) if p2p else ""

    def external_text(self, nodes: Sequence[ExternalNode]) -> str:
        """Nodes as `qctl ls nodes --asexternal --bare` of Qubernetes prints them."""
        return "\n".join(["external_nodes:", *(enode.to_qubernetes(node) for node in nodes)]) + "\n"


def _ports(network: GoQuorumNetwork, node: Any) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
    """The ports that partners need, and those that clients were given."""
    private = network.privacy.manager == "tessera"
    shared = (_P2P, _TESSERA) if private else (_P2P,)
    api = ((_RPC, node.api.rpc), (_WS, node.api.websocket), (_THIRD_PARTY, node.api.third_party and private))
    return shared, tuple(port for port, opened in api if opened)


def _service(name: str, exposure: Any, ports: tuple[Port, ...], site: Site) -> Service:
    host = getattr(exposure, "host", None) or ""
    if not host and exposure.type is Exposed.NODE_PORT:
        host = site.address
    if not host and exposure.type is Exposed.CLUSTER_IP:
        host = names.service_host(name, site.namespace)
    annotations = getattr(exposure, "annotations", {})
    clients = tuple(Clients(**each.model_dump()) for each in getattr(exposure, "clients", ()))
    balancing = getattr(exposure, "balancing", {})
    return Service(name, exposure.type, ports, host, exposure.ports, annotations, clients, balancing=balancing)


def _public_files(network: GoQuorumNetwork, node: Node[GoQuorumNode], file: GenesisFile | None) -> dict[str, str]:
    enhanced = file is not None and "privacyEnhancementsBlock" in file.document["config"]
    version = release(node.settings.privacy_version or network.privacy.version)
    return {
        tessera.CONFIG: tessera.config(version, node.settings.api.third_party, enhanced),
        tessera.PUBLIC_KEY: node.record.privacy_key,
    }
