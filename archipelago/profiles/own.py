"""Own profiles: from settings to what is signed, with counters that go on where others last heard of them.

Counters need no clock and no memory beyond the stack's own last outputs. Where those are lost, as after a destroy, what
partners relay back tells them: a profile under our own signature is our own word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archipelago.identity.curve25519 import signer
from archipelago.identity.sealing import Sealer
from archipelago.model.profile import (
    DELIVERY_SIGNED,
    PROFILE_SIGNED,
    Delivery,
    Heard,
    Profile,
    Publication,
    heard,
    joined,
    signed,
)
from archipelago.model.record import ExternalNode
from archipelago.profiles.access import Access
from archipelago.settings.profiles import IdentitySettings


@dataclass(frozen=True, slots=True)
class Own:
    """One identity of ours on its way to the outputs.

    Args:
        profile: Its description, signed.
        members: Names of our nodes in whose swarms it is shown.
        keys: Sealing keys of the partners that are granted something, by partner; those that are known.
        before: As it was heard last; None for a new one.
        least: Least edition of its delivery.
    """

    profile: Profile
    members: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    before: Heard | None = None
    least: int = 1

    def delivered(
        self, records: Sequence[ExternalNode], accesses: Mapping[str, Access], sealer: Sealer, private: bytes
    ) -> dict[str, Any]:
        """The whole profile, as it is exported.

        Args:
            records: Own nodes, with the endpoints that the cluster gave.
            accesses: What each partner is granted, by partner.
            sealer: Seals them.
            private: The organisation's signing key.
        """
        identity = self.profile.identity
        delivery = Delivery(
            purpose=DELIVERY_SIGNED,
            profile=self.profile.digest,
            edition=self.before.edition if self.before else self.least,
            members=tuple(record.plain() for record in records if record.name in self.members),
            kubeconfigs={
                partner: accesses[partner].sealed(sealer, partner, key, identity)
                for partner, key in sorted(self.keys.items())
                if partner in accesses
            },
        )
        edition = _counted(delivery.edition, self.before.delivery if self.before else None, delivery)
        last = signed(delivery.model_copy(update={"edition": max(edition, self.least)}), private)
        return joined(self.profile, last)


def _counted(before: int, old: Profile | Delivery | None, new: Profile | Delivery) -> int:
    """The counter of a record, one more where its content is another one than before."""
    if old is None:
        return before
    apart: Any = {"signature": "", "revision" if isinstance(new, Profile) else "edition": 1}
    same = old.model_copy(update=apart) == new.model_copy(update=apart)
    return before if same else before + 1


def publications(
    identity: IdentitySettings, records: Mapping[str, ExternalNode]
) -> tuple[tuple[Publication, ...], tuple[str, ...]]:
    """Where an identity is shown, and the names of our members there.

    Args:
        identity: As written, and checked: what it names is there.
        records: Own nodes by name.
    """
    shown, members = [], []
    for text in sorted(identity.publish_to):
        namespace, pool, swarm = text.split("/")
        if member := records.get(f"{pool}-{swarm}"):
            shown.append(Publication(namespace=namespace, pool=pool, swarm=swarm, peer_id=member.node_id))
            members.append(member.name)
    return tuple(shown), tuple(members)


def own_profiles(
    identities: Mapping[str, IdentitySettings],
    records: Sequence[ExternalNode],
    sealer: Sealer,
    private: bytes,
    before: Mapping[str, Heard],
    keys: Mapping[str, str],
) -> tuple[Own, ...]:
    """What this stack shows, and what it takes back.

    Args:
        identities: As written.
        records: Own nodes.
        sealer: Whose key others seal for.
        private: The organisation's signing key.
        before: Own profiles as they were heard last, by identity.
        keys: Sealing keys by partner.
    """
    by_name = {record.name: record for record in records}
    made = []
    for name, written in sorted(identities.items()):
        shown, members = publications(written, by_name)
        profile = Profile(
            purpose=PROFILE_SIGNED,
            network=sealer.network,
            organisation=sealer.organisation,
            key=signer(private),
            sealing_key=sealer.key,
            identity=name,
            name=written.name or name,
            description=written.description,
            url=written.url,
            categories=written.categories,
            namespace=written.namespace,
            published_to=shown,
        )
        granted = {partner: keys[partner] for partner in written.grants if partner in keys}
        last = before.get(name)
        made.append(Own(_revised(profile, last, written.revision, private), members, granted, last, written.revision))
    gone = sorted(before.keys() - identities.keys())
    return (*made, *(_withdrawn(before[name], sealer, private) for name in gone))


def _revised(profile: Profile, before: Heard | None, least: int, private: bytes) -> Profile:
    old = before.profile if before else None
    revision = max(_counted(old.revision if old else 1, old, profile), least)
    return signed(profile.model_copy(update={"revision": revision}), private)


def _withdrawn(before: Heard, sealer: Sealer, private: bytes) -> Own:
    """That an identity is no more, under a later revision: a relay that has not heard of it cannot bring it back."""
    profile = Profile(
        purpose=PROFILE_SIGNED,
        network=sealer.network,
        organisation=sealer.organisation,
        key=signer(private),
        identity=before.profile.identity,
        withdrawn=True,
    )
    return Own(_revised(profile, before, 1, private), before=before)


def heard_last(raws: Iterable[Any], organisation: str, network: str, key: str) -> dict[str, Heard]:
    """Own profiles under our own signature, the latest of each identity.

    Args:
        raws: From our own last outputs, and from what partners relay.
        organisation: Ours.
        network: Ours.
        key: Our public signing key; after a new seed nothing that the old one signed counts.
    """
    found: dict[str, Heard] = {}
    for raw in raws:
        if not isinstance(raw, Mapping) or raw.get("organisation") != organisation:
            continue  # most of what is relayed is of others: it is not read a second time
        try:
            one = heard(raw)
        except ValueError:
            continue
        ours = (one.profile.organisation, one.profile.network, one.profile.key) == (organisation, network, key)
        known = found.get(one.profile.identity)
        if ours and (known is None or one.edition > known.edition):
            found[one.profile.identity] = one
    return found
