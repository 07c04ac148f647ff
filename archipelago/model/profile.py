"""What an organisation shows of itself to a whole network: profiles, each signed by itself, so that others relay them.

A profile has two halves. The description is known before the cluster is asked; nodes publish it in their swarms. The
delivery is what only a cluster can tell: where the members are dialled, and kubeconfigs, sealed for one partner each.
Each half has a signature and a counter of its own; the delivery names the digest of its description, so that none can
be put to another.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, ValidationError

from archipelago.identity.curve25519 import sign, verify
from archipelago.identity.sealing import check_sealing_key
from archipelago.model.foreign import DEEPEST, check
from archipelago.model.record import LATEST, LONGEST_SEALED, SCHEMA, Record, canonical, for_purpose
from archipelago.model.texts import Coded, Name, NameOrNone, Shown

LONGEST_NAME, LONGEST_TEXT, LONGEST_URL, MOST_CATEGORIES = 100, 1000, 400, 50
MOST_SWARMS, MOST_KUBECONFIGS = 100, 200
LARGEST = 1 << 20  # bytes of a whole profile: it stands in the outputs of everybody who hands it on

_DELIVERY = "delivery"
_ABOVE = 8  # levels of a bundle around the profiles that it relays
PROFILE_SIGNED, DELIVERY_SIGNED = "profile", "delivery"  # purposes of signatures


def _sealing_key(text: str) -> str:
    return check_sealing_key(text) if text else text


class Publication(Record):
    """One swarm in which an identity is shown.

    Args:
        namespace: Of the pool, in the publisher's cluster.
        pool: The publisher's pool.
        swarm: Name of the swarm, the same for all its members.
        peer_id: Of the publisher's member.
    """

    namespace: Name
    pool: Name
    swarm: Name
    peer_id: Annotated[Shown, Field(min_length=1, max_length=128)]


class Profile(Record):
    """The description of one identity.

    Args:
        schema_version: Version of this layout, written as `schema`.
        network: Name of the network.
        organisation: Who shows it, and signs.
        key: Its public signing key.
        sealing_key: What others seal for.
        identity: Name of the identity, unique in its organisation.
        name: As it is shown.
        description: A line about it.
        url: Address of the cluster.
        categories: What the cluster offers.
        namespace: Where its rights hold.
        published_to: The swarms that show it.
        revision: Counted up with every change of the above.
        withdrawn: It is shown no longer; said, so that no relay brings it back.
        purpose: What the signature is for: `profile`; None from older programs.
        signature: Ed25519 over the canonical text of all the above.
    """

    schema_version: int = Field(default=SCHEMA, alias="schema", ge=1, le=SCHEMA)
    network: Name
    organisation: Name
    key: Coded
    sealing_key: Annotated[str, AfterValidator(_sealing_key)] = ""
    identity: Name
    name: Shown = Field(default="", max_length=LONGEST_NAME)
    description: Shown = Field(default="", max_length=LONGEST_TEXT)
    url: Shown = Field(default="", max_length=LONGEST_URL)
    categories: tuple[Annotated[Shown, Field(max_length=LONGEST_NAME)], ...] = Field(
        default=(), max_length=MOST_CATEGORIES
    )
    namespace: NameOrNone = ""
    published_to: tuple[Publication, ...] = Field(default=(), max_length=MOST_SWARMS)
    revision: int = Field(default=1, ge=1, le=LATEST)
    withdrawn: bool = False
    purpose: Coded | None = None
    signature: Coded = ""

    @property
    def place(self) -> tuple[str, str]:
        """What it is of: organisation and identity."""
        return (self.organisation, self.identity)

    @property
    def digest(self) -> str:
        """SHA-256 of what is signed, in hex; nodes show the same text in their swarms."""
        return digest(self.plain())

    def __str__(self) -> str:
        return f"{self.organisation}/{self.identity}"


class Delivery(Record):
    """What belongs to a description and is known once the cluster has told it.

    Args:
        profile: Digest of the description.
        edition: Counted up with every change of description or delivery; the later one wins.
        members: Records of the publisher's members of those swarms.
        kubeconfigs: A sealed `Access` by partner.
        purpose: What the signature is for: `delivery`; None from older programs.
        signature: Ed25519 over the canonical text of all the above.
    """

    profile: Coded
    edition: int = Field(default=1, ge=1, le=LATEST)
    members: tuple[dict[str, Any], ...] = Field(default=(), max_length=MOST_SWARMS)
    kubeconfigs: dict[Name, Annotated[str, Field(max_length=LONGEST_SEALED)]] = Field(
        default={}, max_length=MOST_KUBECONFIGS
    )
    purpose: Coded | None = None
    signature: Coded = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """A whole profile whose signatures hold.

    Args:
        profile: Its description.
        delivery: What belongs to it.
        raw: As it was received, numbers made whole; what is relayed, because a later writer may have signed more.
    """

    profile: Profile
    delivery: Delivery
    raw: Mapping[str, Any]

    @property
    def place(self) -> tuple[str, str]:
        """What it is of: organisation and identity."""
        return self.profile.place

    @property
    def edition(self) -> int:
        """Which of two is the later one."""
        return self.delivery.edition


def heard(raw: Any) -> Heard:
    """Read a profile and check both signatures against the key that it names; whose key it is, the caller knows.

    Raises:
        ValueError: It is malformed, or not what was signed; the words finish a sentence.
    """
    if not isinstance(raw, Mapping) or not isinstance(raw.get(_DELIVERY), Mapping):
        raise ValueError("is no profile")
    check(raw, DEEPEST - _ABOVE)
    whole = wholes(dict(raw))
    if len(canonical(whole)) > LARGEST:
        raise ValueError(f"is larger than {LARGEST} bytes")
    profile, delivery = _held(json.dumps(whole, sort_keys=True))
    return Heard(profile, delivery, whole)


@functools.lru_cache(maxsize=1024)  # of n partners, n copies of n profiles
def _held(text: str) -> tuple[Profile, Delivery]:
    """The two halves of a profile of plain data, written as JSON, once both signatures hold."""
    whole = json.loads(text)
    described, delivered = description(whole), whole[_DELIVERY]
    try:
        profile, delivery = Profile.model_validate(described), Delivery.model_validate(delivered)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ValueError(f"is malformed: {place}: {first['msg'].removeprefix('Value error, ')}") from None
    if not (for_purpose(described, PROFILE_SIGNED) and for_purpose(delivered, DELIVERY_SIGNED)):
        raise ValueError("carries a signature for another purpose")
    said = canonical(described)
    for signed_text, signature in ((said, profile.signature), (canonical(delivered), delivery.signature)):
        if not verify(profile.key, signed_text, signature):
            raise ValueError("does not carry the signature of the key that it names")
    if delivery.profile != hashlib.sha256(said).hexdigest():
        raise ValueError("has a delivery that belongs to another description")
    return profile, delivery


def joined(profile: Profile, delivery: Delivery) -> dict[str, Any]:
    """A whole profile as it is exported."""
    return profile.plain() | {_DELIVERY: delivery.plain()}


def description(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The first half of a profile as it was received."""
    return {key: value for key, value in raw.items() if key != _DELIVERY}


def digest(described: Mapping[str, Any]) -> str:
    """SHA-256 of a description without its signature, in hex."""
    return hashlib.sha256(canonical(dict(described))).hexdigest()


Signed = TypeVar("Signed", Profile, Delivery)


def signed(record: Signed, private: bytes) -> Signed:
    """A record under the signature of an organisation's Ed25519 private key (32 bytes)."""
    return record.model_copy(update={"signature": sign(private, canonical(record.plain()))})


def wholes(value: Any) -> Any:
    """Plain data with whole numbers as such: every number crosses stacks as a float."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): wholes(item) for key, item in value.items()}
    return [wholes(item) for item in value] if isinstance(value, (list, tuple)) else value
