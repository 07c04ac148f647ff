"""What becomes of others' profiles here: Peers in our namespaces, and members that our nodes dial."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from archipelago.identity.peer_id import base36
from archipelago.identity.sealing import Sealer
from archipelago.model.address_book import claims
from archipelago.model.endpoint import inside, searched
from archipelago.model.profile import Heard, Profile, Publication
from archipelago.model.record import ExternalNode
from archipelago.model.swarms import Swarms
from archipelago.profiles import limits
from archipelago.profiles.access import Access, opened
from archipelago.profiles.entries import Known, Place

Parse = Callable[[Mapping[str, Any], str, str], ExternalNode]  # of a record, the network and the organisation

_SHORT = 8  # hex characters that tell two equal names apart
_LONGER = re.compile(rf".*-[0-9a-f]{{{_SHORT}}}")


@dataclass(frozen=True, slots=True)
class Peer:
    """An identity of somebody else as it stands in one namespace of ours.

    Args:
        object_name: Name of its object, `<organisation>-<identity>`, with a digest where another object has that name.
        namespace: Ours.
        profile: What is shown.
        digest: Of the description, as its members publish it.
        shared: Its members in swarms that are in this namespace, too.
        label: The first of them, as a label's value.
        access: What it grants us; None where that is nothing.
    """

    object_name: str
    namespace: str
    profile: Profile
    digest: str
    shared: tuple[Publication, ...]
    label: str
    access: Access | None = field(default=None, repr=False)

    @property
    def context(self) -> str:
        """Name of the context in its kubeconfig."""
        return f"{self.profile.organisation}-{self.profile.identity}"


def peers(
    known: Iterable[Known], places: Mapping[str, set[str]], swarms: Swarms, sealer: Sealer
) -> tuple[list[Peer], list[str]]:
    """Every Peer of this stack, and what is wrong with some of them or with what they grant.

    Args:
        known: Profiles of others.
        places: Swarms of ours by the namespace that has a member in them.
        swarms: What others call them.
        sealer: Opens what was sealed for us.
    """
    made: list[Peer] = []
    closed = []
    strangers = set()
    for one in known:
        each = one.heard
        strangers |= {each.place} if one.via else set()
        readable = [at for at in each.profile.published_to if _label(at)]
        shown = [
            (namespace, tuple(at for at in readable if here & swarms.called(each.profile.organisation, at.swarm)))
            for namespace, here in sorted(places.items())
        ]
        if each.profile.withdrawn or not any(shared for _, shared in shown):
            continue
        access = opened(each, sealer)
        if isinstance(access, str) and access:
            closed.append(f"The kubeconfig of {each.profile}: {access}. Its Peer has none.")
        way = None if isinstance(access, str) else access
        name = f"{each.profile.organisation}-{each.profile.identity}"
        digest = each.delivery.profile
        made += [
            Peer(name, namespace, each.profile, digest, shared, _label(shared[0]), way)
            for namespace, shared in shown
            if shared
        ]
    shown_here, doubts = _one_of_each_name(_told_apart(made, strangers), strangers)
    return shown_here, [*limits.first(closed, "more kubeconfigs cannot be opened."), *doubts]


def _label(at: Publication) -> str:
    """A member as a label's value; empty where its PeerID is none."""
    try:
        return base36(at.peer_id)
    except ValueError:
        return ""


def _told_apart(made: Sequence[Peer], strangers: Container[Place] = ()) -> list[Peer]:
    """`a-b` has an identity `c` and `a` one named `b-c`: names of both are made longer, whichever came first.

    Strangers take the name of no partner: where one partner alone has it, that one keeps it.

    A name that looks like a longer one is made longer, too, or an organisation could choose that of another.
    """
    known = [each for each in made if each.profile.place not in strangers]
    counts = Counter((each.namespace, each.object_name) for each in made)
    partners = Counter((each.namespace, each.object_name) for each in known)

    def is_shared(peer: Peer) -> bool:
        place = (peer.namespace, peer.object_name)
        return (counts if peer.profile.place in strangers else partners)[place] > 1

    return [longer(each) if is_shared(each) or _LONGER.fullmatch(each.object_name) else each for each in made]


def _one_of_each_name(made: Sequence[Peer], strangers: Container[Place]) -> tuple[list[Peer], list[str]]:
    """Digests are short: two names can be found that get the same. One stays, a partner's if there is one."""
    first: dict[tuple[str, str], Peer] = {}
    for each in sorted(made, key=lambda peer: (peer.profile.place in strangers, peer.profile.place)):
        first.setdefault((each.namespace, each.object_name), each)
    kept = [each for each in made if first[each.namespace, each.object_name] is each]
    left = sorted({str(each.profile) for each in made} - {str(each.profile) for each in kept})
    words = "without a Peer: another one has the same name."
    return kept, [f"{limits.named(left, 'profile')} {words}"] if left else []


def longer(peer: Peer) -> Peer:
    """A Peer under the name that no other object has; unchanged where it has it already."""
    short = f"{peer.profile.organisation}-{peer.profile.identity}"
    digest = hashlib.sha256(str(peer.profile).encode()).hexdigest()[:_SHORT]
    return replace(peer, object_name=f"{short}-{digest}")


def swarms_of(
    organisation: str, nodes: Iterable[ExternalNode], known: Iterable[Heard], network: str, parse: Parse
) -> Swarms:
    """What everybody calls the swarms of ours, organisations that are no partners included.

    Args:
        organisation: We.
        nodes: Own ones and those of partners.
        known: Profiles of others.
        network: Its name.
        parse: Reads a record as the protocol has it.
    """
    told = (node for each in known for node in _members(each, network, parse)[0])
    return Swarms.of(organisation, [*nodes, *told])


def relayed_members(
    known: Iterable[tuple[Heard, bool]],
    ours: Sequence[ExternalNode],
    partners: Sequence[ExternalNode],
    swarms: Swarms,
    network: str,
    parse: Parse,
    namespaces: Collection[str] = (),
) -> tuple[list[ExternalNode], list[str]]:
    """Members of organisations that are no partners, as their profiles tell of them, in swarms that are ours, too.

    What is in the way of others' nodes is left out, and said; a stack is not stopped by whom it does not know.

    Args:
        known: Profiles that came by relays, and whether their members may be dialled inside our own cluster.
        ours: Own nodes.
        partners: Those of partners.
        swarms: What everybody calls ours.
        network: Its name.
        parse: Reads a record as the protocol has it.
        namespaces: Those of the stack, whose Services pods find by short names.
    """
    keys = {str(node.swarm): node.fingerprint for node in sorted(ours, key=lambda node: node.fingerprint or "")}
    taken = {claim: str(node) for node in (*ours, *partners) for claim in claims(node)}
    found: dict[tuple[str, str], ExternalNode] = {}
    doubts: list[str] = []
    for each, allowed in known:
        nodes, unreadable = _members(each, network, parse)
        if unreadable:
            count = "a member" if unreadable == 1 else f"{unreadable} members"
            doubts.append(f"The profile {each.profile} has {count} that cannot be read. It is not dialled.")
        for node in nodes:
            held = {keys[swarm] for swarm in swarms.ours(node)}
            if not held or found.get(node.key) == node:
                continue
            if node.fingerprint and not held & {None, node.fingerprint}:
                words = f"{node} holds another key of the swarm {node.swarm} ({node.fingerprint})"
            elif clash := next((taken[claim] for claim in claims(node) if claim in taken), None):
                words = f"{node} claims what belongs to {clash}"
            elif not allowed and (reason := _is_inside(node, namespaces)):
                words = reason
            else:
                found[node.key] = node
                taken |= dict.fromkeys(claims(node), str(node))
                continue
            doubts.append(f"The profile {each.profile}: {words}. It is not dialled.")
    return list(found.values()), limits.first(doubts, "more members in profiles of others are not dialled.")


def _is_inside(node: ExternalNode, namespaces: Collection[str]) -> str:
    """Why a host of a node leads into our own cluster; empty where none does."""
    for host in sorted({at.host for at in node.endpoints.values()}):
        if reason := inside(host) or searched(host, namespaces):
            return f"the host {host} of {node} {reason}"
    return ""


def _members(each: Heard, network: str, parse: Parse) -> tuple[list[ExternalNode], int]:
    """Members that a profile publishes, and how many of those that come with it cannot be read."""
    published = {at.peer_id for at in each.profile.published_to}
    found, unreadable = [], 0
    for raw in each.delivery.members if not each.profile.withdrawn else ():
        try:
            node = parse(raw, network, each.profile.organisation)
        except (ValidationError, ValueError):
            unreadable += 1
            continue
        if (node.network, node.organisation) == (network, each.profile.organisation) and node.node_id in published:
            # numbers and accounts of a network are its partners': a stranger has none to take
            found.append(node.model_copy(update={"index": None, "address": "", "account": ""}))
    return found, unreadable
