"""The keys of the swarms: derived, in a Secret that is there, or sealed by a partner; and who gets them from us."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from archipelago.chains.contract import Ask, Site
from archipelago.chains.ipfs.places import SWARM_KEY
from archipelago.chains.ipfs.settings import IpfsStack, KeySource, Member
from archipelago.chains.ipfs.swarm_key import SECRET_KEYS, SwarmKey, derived, parsed
from archipelago.chains.node import Node
from archipelago.chains.shared import Shared
from archipelago.foreign_text import quoted
from archipelago.identity.derive import Keyring
from archipelago.problems import Problem

Received = Mapping[str, Mapping[str, bytes]]
_LARGEST = 4096  # bytes of a key file; it needs 95, and whatever follows the key is passed over
_MOST_TOLD = 5


@dataclass
class _Found:
    """What is found of all swarms, on the way."""

    items: dict[str, bytes] = field(default_factory=dict)
    to: dict[str, tuple[str, ...]] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)
    givers: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def item(swarm: str, generation: int) -> str:
    """What the key of a swarm is called among secrets that organisations share."""
    return f"swarm/{swarm}" if generation == 1 else f"swarm/{swarm}/{generation}"


def source_of(settings: IpfsStack, member: Member) -> KeySource:
    """Where the key of a member's swarm comes from: the founder makes it, who joins has it from the founder."""
    if member.key is not None:
        return member.key
    joins = settings.network.joins
    return KeySource.model_validate({"partner": joins} if joins else {"generate": True})


def swarms(settings: IpfsStack) -> dict[str, list[str]]:
    """Names of our members, sorted, by their swarm."""
    found: dict[str, list[str]] = {}
    for pool, swarm in settings.members():
        found.setdefault(swarm, []).append(f"{pool}-{swarm}")
    return {swarm: sorted(found[swarm]) for swarm in sorted(found)}


def ask_of(settings: IpfsStack, node: str) -> Ask | None:
    """The Secret that a member's key may be in; None where its source is another one."""
    secret = source_of(settings, settings.nodes[node]).secret
    return Ask("Secret", settings.namespace_of(node), secret) if secret else None


def shared(settings: IpfsStack, keyring: Keyring, site: Site, received: Received) -> Shared:
    """The keys that this stack holds."""
    found = _Found()
    for swarm, nodes in swarms(settings).items():
        first = settings.nodes[nodes[0]]
        name, source = item(swarm, first.key_generation), source_of(settings, first)
        if source.partner:
            held = received.get(source.partner, {}).get(name)
            place = f"partners.{source.partner}"
            found.givers.add(source.partner)
            if held is None:
                found.warnings += _other_names(source.partner, swarm, received.get(source.partner, {}))
        elif source.secret:
            held = _in_secrets(settings, keyring, site, swarm, nodes, found)
            place = f"{settings.path_of(nodes[0])}.key"
        else:
            held = derived(keyring, swarm, first.key_generation).text.encode()
            place = settings.path_of(nodes[0])
        if held is not None and _is_key(held, place, swarm, found):
            # a partner may spell a key as it likes, and another spelling would restart the members
            found.items[name] = parsed(held).text.encode() if source.partner else held
            partners = first.share_key_with if first.share_key_with is not None else tuple(settings.partners)
            found.to[name] = tuple(sorted(set(partners) - {source.partner}))
            found.taken |= {name: source.partner} if source.partner else {}
            found.problems += _pinned(settings, nodes, parsed(held))
    return Shared(
        found.items, found.to, found.taken, frozenset(found.givers), tuple(found.problems), tuple(found.warnings)
    )


def _is_key(held: bytes, place: str, swarm: str, found: _Found) -> bool:
    try:
        if len(held) > _LARGEST:
            raise ValueError(f"it must have at most {_LARGEST:,} bytes, got {len(held):,}")
        parsed(held)
    except ValueError as error:
        cure = "A key file has three lines: /key/swarm/psk/1.0.0/, /base16/, and 64 hex characters."
        found.problems.append(Problem(place, f"what it gives as the key of swarm {swarm} is none: {error}.", cure))
        return False
    return True


def _pinned(settings: IpfsStack, nodes: Sequence[str], key: SwarmKey) -> Iterator[Problem]:
    for node in nodes:
        pin = settings.nodes[node].key_fingerprint
        if pin not in (None, key.fingerprint):
            words = f"{pin} is pinned, but the key at hand has the fingerprint {key.fingerprint}."
            cure = "Compare it with the others by another way; change the pin only if the pin was wrong."
            yield Problem(f"{settings.path_of(node)}.keyFingerprint", words, cure)


def _in_secrets(
    settings: IpfsStack, keyring: Keyring, site: Site, swarm: str, nodes: Sequence[str], found: _Found
) -> bytes | None:
    """The key in the Secrets of a swarm's members; where none of them is there yet, a derived one, or none.

    None where the swarm has a key already: who joins would be alone with another one.
    """
    generation = settings.nodes[nodes[0]].key_generation
    held: dict[Ask, bytes] = {}
    for node in nodes:
        ask = ask_of(settings, node)
        if ask is None or ask in held:
            continue
        if ask not in site.given:
            return _as_before(site, derived(keyring, swarm, generation), nodes)
        if (there := content(site, ask, found, f"{settings.path_of(node)}.key")) is not None:
            held[ask] = there
    foreign = {ask: text for ask, text in held.items() if not is_made_here(site, ask, keyring, swarm, generation)}
    if len(set(foreign.values())) > 1:
        words = f"{' and '.join(sorted(map(str, foreign)))} hold different keys of swarm {swarm}."
        cure = "Members of one swarm have one key: give all of these Secrets the same one."
        found.problems.append(Problem(f"{settings.path_of(nodes[0])}.key", words, cure))
    if found.problems:
        return None
    made = derived(keyring, swarm, generation)
    if not foreign and not held and _has_key_already(settings, nodes, made) and _as_before(site, made, nodes) is None:
        found.warnings += _to_make(settings, swarm, nodes)
        return None
    return next(iter(foreign.values()), made.text.encode())


def _has_key_already(settings: IpfsStack, nodes: Sequence[str], made: SwarmKey) -> bool:
    """Whether others have the key of a swarm: we join it, dial a member of it, or know another fingerprint."""
    members = [settings.nodes[node] for node in nodes]
    return (
        bool(settings.network.joins)
        or any(member.bootstrap for member in members)
        or any(member.key_fingerprint not in (None, made.fingerprint) for member in members)
    )


def _to_make(settings: IpfsStack, swarm: str, nodes: Sequence[str]) -> Iterator[str]:
    for ask in dict.fromkeys(ask_of(settings, node) for node in nodes):
        if ask:
            yield (
                f"{ask} is not there. Others have the key of swarm {swarm}, so none is made here: get the key file of "
                f"them, and then: kubectl -n {ask.namespace} create secret generic {ask.name} "
                f"--from-file={SECRET_KEYS[0]}=<file>"
            )


def _other_names(partner: str, swarm: str, given: Mapping[str, bytes]) -> Iterator[str]:
    """A partner that seals keys to us, and none of a swarm of this name: it may have another name there."""
    told = {name.split("/")[1] for name in given if name.startswith("swarm/")}
    if told and swarm not in told:
        listed = ", ".join(quoted(each) for each in sorted(told)[:_MOST_TOLD])
        yield (
            f"{partner} seals no key of a swarm {swarm} to us, but those of {listed}. A key is sealed under the "
            "swarm's name there: name the swarm so here too, or take its key from a Secret."
        )


def _as_before(site: Site, made: SwarmKey, nodes: Sequence[str]) -> bytes | None:
    """The key without the cluster: the derived one where all members ran with it, and then a preview changes nothing.

    Another key would cut a member off: where it ran with none, or with one that only the cluster knows, it waits.
    """
    return made.text.encode() if all(site.ran.get(node) == made.fingerprint for node in nodes) else None


def is_made_here(site: Site, ask: Ask, keyring: Keyring, swarm: str, generation: int) -> bool:
    """Whether a Secret is not there, or this program made it: ours by its label, and with a key of our seed."""
    if site.given.get(ask) is None:
        return ask in site.given
    made = {derived(keyring, swarm, number).text.encode() for number in range(1, generation + 1)}
    return site.is_ours(ask) and set((site.secret(ask) or {}).values()) <= made


def content(site: Site, ask: Ask, found: _Found, place: str) -> bytes | None:
    """The key file in a Secret, byte for byte; None where there is no Secret, or a problem was found."""
    try:
        data = site.secret(ask)
    except ValueError:
        data = {}
    if data is None:
        return None
    for name in SECRET_KEYS:
        if name in data:
            return data[name]
    cure = f"Give it the key file under {SECRET_KEYS[0]}, or name a Secret that is not there yet: it gets a new key."
    found.problems.append(Problem(place, f"{ask} has no {' and no '.join(SECRET_KEYS)}.", cure))
    return None


def kept(settings: IpfsStack, node: Node[Member], site: Site) -> dict[str, dict[str, str]]:
    """The Secret that a member's settings name, where this program makes it: it is not there, or was made by us.

    Without the cluster a member has a key only if it ran with the derived one, which this program stored there.

    Members of one swarm may name the same one; then it belongs to the first of them.
    """
    ask, text = ask_of(settings, node.name), node.private_files.get(SWARM_KEY)
    first = next(each for each in sorted(settings.nodes) if ask_of(settings, each) == ask)
    if ask is None or text is None or first != node.name:
        return {}
    if site.given.get(ask) is not None and not site.is_ours(ask):
        return {}
    return {ask.name: {SECRET_KEYS[0]: text}}
