"""IPFS, as the rest of the program asks for it (`chains.contract.Chain`)."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from archipelago.chains.accounts import Account
from archipelago.chains.contract import Ask, Genesis, Site
from archipelago.chains.ipfs import checks, config, identity, keys, members, ports, workload
from archipelago.chains.ipfs.multiaddr import of_endpoint, parsed
from archipelago.chains.ipfs.places import ANNOUNCE, BOOTSTRAP, CONFIG, STATUS_PORT, SWARM_KEY
from archipelago.chains.ipfs.running import Kubo
from archipelago.chains.ipfs.settings import IpfsStack, Member
from archipelago.chains.ipfs.versions import architecture, release
from archipelago.chains.node import Node
from archipelago.chains.peer_limits import PeerLimits
from archipelago.chains.shared import Shared
from archipelago.identity.derive import Keyring
from archipelago.model import foreign
from archipelago.model.address_book import AddressBook
from archipelago.model.endpoint import marker
from archipelago.model.monitor import MonitorPlan, Watched
from archipelago.model.plan import NodePlan, Service
from archipelago.model.record import ExternalNode
from archipelago.problems import Problem
from archipelago.settings.models import NodeSettings
from archipelago.settings.read import Settings

_FILE = "network.json"


class Ipfs:
    """Private swarms of kubo, and of go-ipfs from 0.8 on."""

    kind = "ipfs"
    notice = (
        "Whoever has the key of a swarm reads what is in it, and nothing that was put there can be taken back. "
        "kubo 0.42 was run in the tests of this program; other releases are configured by their documentation alone."
    )
    seals = True
    peer_limits = PeerLimits("the ConfigMap of peers", 1500, of_one=500, of_all=1000, of_many=100)
    profiles = True
    stack_model = IpfsStack
    running = Kubo()

    def ports(self, settings: Settings, node: NodeSettings) -> dict[str, frozenset[str]]:
        """Names of a member's ports that may be pinned."""
        assert isinstance(node, Member)  # noqa: S101 - the stack model's
        return {"exposure": frozenset(port.name for port in ports.shared(_stack(settings), node))}

    def object_name(self, settings: Settings, node: str) -> str:  # noqa: ARG002 - a pool and a swarm are enough
        """Its objects are named for pool and swarm, as cluster-discovery has its StatefulSets."""
        return f"{node}-ss"

    def checks(self, settings: Settings) -> Iterable[Problem]:
        """What is wrong with the settings beyond single fields."""
        return checks.problems(_stack(settings))

    def doubts(self, settings: Settings) -> Iterable[str]:
        """What works and is seldom meant."""
        return dict.fromkeys(checks.doubts(_stack(settings)))

    def node(self, settings: Settings, keyring: Keyring, name: str) -> Node[Member]:
        """A member of ours."""
        return identity.node(_stack(settings), keyring, name)

    def earlier(self, keyring: Keyring, node: Node[Any], file_format: int) -> Node[Any]:  # noqa: ARG002
        """The member as it is: its files were written in one way only."""
        return node

    def asks(self, settings: Settings) -> tuple[Ask, ...]:
        """Secrets that may hold swarm keys, and Services of Traefik."""
        stack = _stack(settings)
        found = [keys.ask_of(stack, node) for node in stack.nodes]
        found += [ports.traefik_ask(member) for member in stack.nodes.values()]
        return tuple(sorted({ask for ask in found if ask}, key=str))

    def shared(
        self, settings: Settings, keyring: Keyring, site: Site, received: Mapping[str, Mapping[str, bytes]]
    ) -> Shared:
        """The swarms' keys; and what is wrong with a Traefik that the cluster was asked for."""
        stack = _stack(settings)
        found = keys.shared(stack, keyring, site, received)
        return replace(found, problems=(*found.problems, *ports.traefik_problems(stack, site)))

    def equipped(self, settings: Settings, node: Node[Any], shared: Shared) -> Node[Any]:  # noqa: ARG002
        """A member with its swarm's key."""
        return identity.equipped(node, shared)

    def account(self, node: Node[Any]) -> Account:
        """A member's key, as kubo's config has it."""
        return Account(node.record.node_id, self.keys(node))

    def keys(self, node: Node[Any]) -> Mapping[str, bytes]:
        """A member's private half, in the files that its containers mount."""
        return {name: text.encode() for name, text in node.private_files.items()}

    def identified(self, settings: Settings, name: str, files: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002
        """PeerID and key of the swarm."""
        return identity.identified(files)

    def governor(self, settings: Settings, keyring: Keyring, genesis: Genesis | None) -> None:
        """Nobody."""

    def parse_node(self, raw: Mapping[str, Any], network: str, organisation: str) -> ExternalNode:
        """A partner's member, from a record or pasted."""
        return members.parse_node(raw, network, organisation)

    def read_genesis(self, text: str) -> Genesis:
        """What all agree on, as a partner exports it."""
        try:
            said = foreign.parsed(text)
            found = _agreed(str(said["network"]), str(said["founder"]))
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"it is no {_FILE} of an IPFS network") from None
        if found.text != text:
            raise ValueError(f"it is no {_FILE} as this version writes it")
        return found

    def agreed(self, settings: Settings) -> Genesis:
        """Name and founder; a swarm has no first block."""
        network = settings.network
        return _agreed(network.name, settings.organisation if network.founder else network.joins)

    def unfoundable(self, settings: Settings) -> Iterable[Problem]:  # noqa: ARG002
        """Nothing stands in the way."""
        return ()

    def found(
        self,
        settings: Settings,
        nodes: Mapping[str, Node[Any]],  # noqa: ARG002
        book: Mapping[str, ExternalNode],  # noqa: ARG002
    ) -> Genesis:
        """What all agree on anyway."""
        return self.agreed(settings)

    def validators(self, settings: Settings) -> tuple[str, ...]:  # noqa: ARG002
        """None: a swarm has members only."""
        return ()

    def bears(self, settings: Settings, validators: int) -> int:  # noqa: ARG002
        """All: each member serves by itself."""
        return validators

    def differences(
        self,
        settings: Settings,
        genesis: Genesis,
        own: Mapping[str, Node[Any]],  # noqa: ARG002
        book: Mapping[str, ExternalNode],  # noqa: ARG002
    ) -> Iterable[Problem]:
        """Another founder than before."""
        wanted = self.agreed(settings)
        if genesis.hash != wanted.hash:
            was, now = (json.loads(each.text)["founder"] for each in (genesis, wanted))
            words = f"{now} founded the network by these settings, and {was} by what was exported before."
            cure = f"Bring back founder or joins as it was: swarm keys come from {was}."
            yield Problem("network", words, cure)

    def beside(self, settings: Settings, genesis: Genesis, known: Mapping[str, int]) -> Mapping[str, int]:  # noqa: ARG002
        """Nothing: a swarm has no rules but its key."""
        return {}

    def plan(self, settings: Settings, node: Node[Any], site: Site, genesis: Genesis | None) -> NodePlan:
        """What has to run for one member."""
        stack = _stack(settings)
        has_key = SWARM_KEY in node.private_files
        service = ports.outside(stack, node.name, site)
        return NodePlan(
            name=node.name,
            object_name=self.object_name(settings, node.name),
            role=node.record.role,
            init=(workload.init(stack, node),),
            containers=workload.containers(stack, node),
            service=service,
            api=None,
            more_services=(ports.headless(stack, node.name),),
            closed_ports=(STATUS_PORT,),
            dials=tuple(sorted({parsed(each).port for each in node.settings.bootstrap})),
            volume=node.volume,
            public_files=_public_files(stack, node),
            private_files=node.private_files,
            secrets={**keys.kept(stack, node, site), **identity.for_applications(node)},
            await_ready=node.settings.await_ready,
            stateful=True,
            namespace=_elsewhere(stack, node.name),
            runs=has_key and genesis is not None,
            waits_for="" if has_key else _missing(stack, node),
            architecture=architecture(node.settings.version or stack.network.version),
        )

    def monitor(self, settings: Settings, nodes: Mapping[str, Node[Any]]) -> MonitorPlan | None:
        """The pod that tells which members are reachable."""
        stack = _stack(settings)
        monitor = stack.network.monitor
        if not monitor.enabled or not nodes:
            return None
        return MonitorPlan(
            image=monitor.image,
            resources=monitor.resources.given,
            members=tuple(_watched(stack, node) for node in nodes.values()),
            peers=stack.network.peers,
            pod=monitor.or_as(stack.defaults).pod(given_ids=stack.cluster.openshift),
        )

    def services(self, settings: Settings) -> tuple[Service, ...]:  # noqa: ARG002
        """None: a multiaddr names one member."""
        return ()

    def live_files(self, network: str, book: AddressBook, plans: Sequence[NodePlan] = ()) -> dict[str, str]:  # noqa: ARG002
        """Who is in which swarm."""
        return members.live_files(book, plans)

    def summary(self, settings: Settings, genesis: Genesis | None) -> tuple[str, ...]:  # noqa: ARG002
        """Release, and how many swarms."""
        stack = _stack(settings)
        count = len(keys.swarms(stack))
        return (f"kubo {stack.network.version}", f"{count} swarm{'' if count == 1 else 's'}")

    def url(self, node: ExternalNode) -> str:
        """Its multiaddr; empty while its host or port is not known."""
        end = node.endpoints.get(ports.SWARM)
        return str(of_endpoint(end, node.node_id)) if end else ""

    def external_text(self, nodes: Sequence[ExternalNode]) -> str:
        """Members as a partner pastes them under archipelago:partners.<name>.nodes."""
        return "".join(f"- {json.dumps(members.pasted(node))}\n" for node in nodes)


def _stack(settings: Settings) -> IpfsStack:
    assert isinstance(settings, IpfsStack)  # noqa: S101 - the reader has made it of `stack_model`
    return settings


def _agreed(network: str, founder: str) -> Genesis:
    text = json.dumps({"kind": Ipfs.kind, "network": network, "founder": founder}, indent=2) + "\n"
    return Genesis(text, "0x" + hashlib.sha256(text.encode()).hexdigest(), 0, _FILE, "")


def _elsewhere(stack: IpfsStack, node: str) -> str:
    """A member's namespace where it is not the stack's own."""
    found = stack.namespace_of(node)
    return "" if found == stack.cluster.namespace else found


def _public_files(stack: IpfsStack, node: Node[Member]) -> dict[str, str]:
    member = node.settings
    version = release(member.version or stack.network.version)
    return {
        CONFIG: config.text(member, version, node.record.node_id),
        ANNOUNCE: f"{marker(ports.SWARM)}\n",
        BOOTSTRAP: "".join(f"{each}\n" for each in member.bootstrap),
    }


def _missing(stack: IpfsStack, node: Node[Member]) -> str:
    source = keys.source_of(stack, node.settings)
    whose = source.partner or str(keys.ask_of(stack, node.name))
    return f"{whose}: the key of swarm {node.record.swarm}"


def _watched(stack: IpfsStack, node: Node[Member]) -> Watched:
    pool, swarm = stack.place(node.name)
    # what is asked for alone: a release with one more setting changes nothing
    asked = node.settings.model_dump(by_alias=True, mode="json", exclude={"identity"}, exclude_defaults=True)
    spec = {key: value for key, value in asked.items() if value != {}}
    digest = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).digest()[:16]
    return Watched(
        name=node.name,
        pool=pool,
        swarm=swarm,
        namespace=stack.namespace_of(node.name),
        peer_id=node.record.node_id,
        host=ports.headless(stack, node.name).host,
        hash=base64.b64encode(digest).decode(),
    )
