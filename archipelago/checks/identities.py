"""What is wrong with identities beyond their single fields: where they are shown, whom they let in, and how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archipelago.problems import Problem
from archipelago.profiles.access import certificates, loopback
from archipelago.settings.profiles import IdentitySettings, identities_of
from archipelago.settings.read import Settings

_SERVER = "cluster.apiServer"


def problems(settings: Settings) -> Iterator[Problem]:
    """Every problem; none for a kind of network without identities."""
    written = identities_of(settings) or {}
    for name, identity in written.items():
        yield from _publications(settings, f"identities.{name}", identity)
        yield from _partners(settings, f"identities.{name}", identity)
    if any(identity.grants for identity in written.values()):
        yield from _server(settings)
    yield from _names(written)
    yield from _refused(settings)


def _publications(settings: Settings, path: str, identity: IdentitySettings) -> Iterator[Problem]:
    pools: Mapping[str, Any] = getattr(settings, "pools", {})
    known = sorted(
        f"{pool.namespace or settings.cluster.namespace}/{name}/{swarm}"
        for name, pool in pools.items()
        for swarm in pool.swarms
    )
    for index, text in enumerate(identity.publish_to):
        if text not in known:
            words = f"{text} is no member of this stack."
            cure = f"Known here, as <namespace>/<pool>/<swarm>: {', '.join(known) or 'none'}."
            yield Problem(f"{path}.publishTo[{index}]", words, cure)


def _partners(settings: Settings, path: str, identity: IdentitySettings) -> Iterator[Problem]:
    for name in identity.grants:
        partner = settings.partners.get(name)
        if partner is None:
            words = f"{name} is not among the partners, so nobody knows for whom to seal its kubeconfig."
            cure = f"Add it, as in archipelago:partners.{name}: {{stack: organization/archipelago/<its stack>}}"
            yield Problem(f"{path}.grants.{name}", words, cure)
        elif partner.nodes is not None and not partner.key:
            words = f"{name} is pasted: it has no key for which its kubeconfig could be sealed."
            cure = f"Let it give its stack or a bundle, or pin its key in archipelago:partners.{name}.key."
            yield Problem(f"{path}.grants.{name}", words, cure)


def _server(settings: Settings) -> Iterator[Problem]:
    url, ca = settings.cluster.api_server, settings.cluster.api_server_ca
    cure = "Set it to the URL by which partners reach this cluster's API server, as https://203.0.113.10:6443."
    if not url:
        yield Problem(_SERVER, "is missing: partners are granted a kubeconfig.", cure)
    elif reason := loopback(url):
        yield Problem(_SERVER, f"{url} {reason}.", cure)
    if ca:
        try:
            certificates(ca)
        except ValueError as error:
            words = "Give the PEM text of the certificates that sign the API server's, or leave it out."
            yield Problem(f"{_SERVER}Ca", f"{error}.", words)


def _names(written: Mapping[str, IdentitySettings]) -> Iterator[Problem]:
    """Objects are named for identity and partner; two pairs may come to one name."""
    taken: dict[tuple[str, str, str], str] = {}
    for name, identity in written.items():
        path = f"identities.{name}"
        wanted = [("ServiceAccount", name, path)]
        for partner, grant in identity.grants.items():
            at = f"{path}.grants.{partner}"
            generation = f"-g{grant.generation}" if grant.generation > 1 else ""
            wanted.append(("Secret", f"{name}-{partner}{generation}", at))
            if grant.rules is not None:
                wanted.append(("ServiceAccount", f"{name}-{partner}", at))
        for kind, object_name, at in wanted:
            first = taken.setdefault((kind, identity.namespace, object_name), at)
            if first != at:
                words = f"its {kind} would be named {object_name}, as that of archipelago:{first}."
                yield Problem(at, words, "Name one of the identities otherwise.")


def _refused(settings: Settings) -> Iterator[Problem]:
    for index, name in enumerate(getattr(settings, "refuse", ())):
        if name in settings.partners:
            words = f"{name} is a partner, and what it says itself is not refused."
            yield Problem(f"refuse[{index}]", words, f"Remove it, or archipelago:partners.{name}.")
