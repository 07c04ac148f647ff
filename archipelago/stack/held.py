"""The secrets that a stack holds in common with partners, and what is wrong with what they gave of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archipelago.chains.contract import Chain, Site
from archipelago.chains.shared import NOTHING_SHARED, Shared
from archipelago.identity.derive import Keyring
from archipelago.identity.sealing import Sealer
from archipelago.problems import Problem
from archipelago.settings.read import Settings
from archipelago.stack import sharing
from archipelago.stack.partners import Import


@dataclass(frozen=True)
class Held:
    """What is held in common with partners, and what is said of it.

    Args:
        shared: The secrets.
        sharing: What is exported of them; None for a protocol that never seals.
        problems: Why something that was given is refused.
        warnings: What a reader of the preview should know.
    """

    shared: Shared = NOTHING_SHARED
    sharing: sharing.Sharing | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()


def common(
    settings: Settings,
    chain: Chain,
    keyring: Keyring,
    site: Site,
    imports: Mapping[str, Import],
    last: Mapping[str, Any],
) -> Held:
    """Open what partners sealed for us, and seal what they may have.

    Args:
        settings: Ours.
        chain: Knows the secrets.
        keyring: Derives what no partner gave.
        site: What the cluster has.
        imports: What partners gave.
        last: Our own last outputs.
    """
    if not chain.seals:
        return Held()
    sealer = Sealer.of(keyring)
    letters = sharing.read_letters(sealer, imports, last)
    shared = chain.shared(settings, keyring, site, letters.opened)
    made = sharing.share(settings, sealer, imports, last, shared, letters)
    others = sharing.replaced(shared, chain.shared(settings, keyring, site, letters.before))
    problems = (*letters.problems, *shared.problems, *others)
    return Held(shared, made, problems, (*letters.warnings, *shared.warnings))
