"""Field types of an IPFS stack file; each refuses with what to type instead."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr

from archipelago.chains.ipfs.multiaddr import parsed
from archipelago.identity.peer_id import seed_of
from archipelago.settings.types import SEALED, Version, fault

_SECRET_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")
_ENTRY_POINT = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,62})")
_PATCH = re.compile(r"\d+\.\d+\.\d+")
AUTO = "auto"


def _secret_name(text: str) -> str:
    if not _SECRET_NAME.fullmatch(text):
        cure = "Use lower-case letters, digits, '-' and '.', as kubectl get secrets shows them."
        raise fault(f"{text!r} is no name of a Secret", cure)
    return text


def _fingerprint(text: str) -> str:
    if not _FINGERPRINT.fullmatch(text.lower()):
        cure = "Copy the 32 hex characters after 'Swarm key fingerprint:' in the log of a daemon that has the key."
        raise fault(f"{text!r} is no fingerprint of a swarm key", cure)
    return text.lower()


def _multiaddr(text: str) -> str:
    cure = "Write /ip4/203.0.113.7/tcp/4001/p2p/12D3KooW…, as `ipfs id` or archipelago urls shows it."
    try:
        found = parsed(text)
    except ValueError as error:
        raise fault(f"{text!r} is no bootstrap address: {error}", cure) from None
    if not found.peer_id:
        raise fault(f"{text!r} does not say whose address it is", cure)
    if found.kind.startswith("ip") and (ipaddress.ip_address(found.host).is_loopback):
        raise fault(f"{text!r} is the loopback of whoever dials it", cure)
    return str(found)


def _address(text: str) -> str:
    if text == AUTO:
        return text
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        cure = "Write auto, and the cloud chooses one, or the IP address to ask it for."
        raise fault(f"{text!r} is no address of a load balancer", cure) from None
    if address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local:
        raise fault(f"nobody outside is reached at {text}", "Write auto, or an address that the cloud can give.")
    return str(address)


def _release(text: str) -> str:
    if not _PATCH.fullmatch(text):
        raise fault(
            f"{text!r} is no release of kubo", 'Write all three numbers, as "0.42.0": they are the image\'s tag.'
        )
    return text


def _entry_point(text: str) -> str:
    if not _ENTRY_POINT.fullmatch(text):
        raise fault(f"{text!r} is no entry point of Traefik", "Write its name as Traefik's configuration has it: ipfs.")
    return text


def _private_key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().strip()
    if text != SEALED:
        try:
            if not any(seed_of(text)):
                raise ValueError("its private half is zero")
        except ValueError as error:
            cure = "Set it from a file, with pulumi config set --secret --path: Identity.PrivKey of the node's config."
            raise fault(f"this is no key of a node: {error}", cure) from None
    return SecretStr(text)


def source(value: Any) -> Any:
    """The short form of a key's source, `generate`, as the mapping that it stands for."""
    if value == "generate":
        return {"generate": True}
    if isinstance(value, str):
        cure = "Write generate, {secret: <name of a Secret>} or {partner: <name of a partner>}."
        raise fault("this text is no source of a swarm key, and a key never stands here itself", cure)
    return value


BootstrapAddress = Annotated[str, AfterValidator(_multiaddr)]
Port = Annotated[int, Field(ge=1024, le=65535)]
Release = Annotated[Version, AfterValidator(_release)]
SecretName = Annotated[str, AfterValidator(_secret_name)]
Fingerprint = Annotated[str, AfterValidator(_fingerprint)]
BalancerAddress = Annotated[str, AfterValidator(_address)]
EntryPoint = Annotated[str, AfterValidator(_entry_point)]
NodeKey = Annotated[SecretStr, AfterValidator(_private_key)]
