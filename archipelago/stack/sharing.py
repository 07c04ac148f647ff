"""Secrets between organisations: what is sealed to partners, and what they sealed to us.

Nothing here is a secret output: a sealed text is readable by one organisation, whoever holds the backend. What a
partner sealed is kept, still sealed, in the own outputs for as long as the stack uses it, so that a stack goes on while
that partner is away. A sealed text is a function of the secret, its purpose and the two organisations, and the secret
never of anything that a partner seals back: no two stacks can chase each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from archipelago.chains.node import Node
from archipelago.chains.shared import Shared
from archipelago.identity.sealing import ForAnotherKey, Sealer, check_sealing_key
from archipelago.problems import Problem
from archipelago.settings.read import Settings
from archipelago.stack.partners import Import

Sealed = Mapping[str, Mapping[str, str]]  # texts by partner and item


@dataclass(frozen=True, slots=True)
class Sharing:
    """What a stack exports of the secrets that it holds in common with partners.

    Args:
        sealer: The organisation as sender and recipient.
        keys: Sealing keys of the partners that something may be sealed to.
        sealed: What only they can read.
        received: What they sealed for us and this stack uses, as they wrote it.
    """

    sealer: Sealer = field(repr=False)
    keys: Mapping[str, str]
    sealed: Sealed
    received: Sealed


@dataclass(frozen=True)
class Letters:
    """What partners sealed for us.

    Args:
        sealed: As they wrote it; what they gave last where they do not give it now.
        opened: What it says.
        before: What those said that were kept from earlier runs, because nodes of ours use it.
        problems: What was changed on the way, or sealed for something else.
        warnings: What a reader of the preview should know.
    """

    sealed: dict[str, dict[str, str]] = field(default_factory=dict)
    opened: dict[str, dict[str, bytes]] = field(default_factory=dict, repr=False)
    before: dict[str, dict[str, bytes]] = field(default_factory=dict, repr=False)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def take(self, partner: str, item: str, text: str, plain: bytes) -> None:
        """Keep one."""
        self.sealed.setdefault(partner, {})[item] = text
        self.opened.setdefault(partner, {})[item] = plain


def read_letters(sealer: Sealer, imports: Mapping[str, Import], last: Mapping[str, Any]) -> Letters:
    """Open what partners sealed for us, now or, as our own last outputs kept it, earlier.

    Args:
        sealer: We.
        imports: What they gave now.
        last: Our own last outputs.
    """
    letters = Letters()
    kept = _texts(last.get("received"))
    for name, given in imports.items():
        for item, text in sorted(kept.get(name, {}).items()):
            try:
                letters.take(name, item, text, sealer.opened(name, item, text))
            except ValueError:  # of an earlier seed of ours; whoever misses it is told below
                continue
            letters.before.setdefault(name, {})[item] = letters.opened[name][item]
        if not given.key:  # anybody could have sealed it
            continue
        for item, text in sorted(given.sealed.items()):
            _open(letters, sealer, name, item, text)
    return letters


def _open(letters: Letters, sealer: Sealer, name: str, item: str, text: str) -> None:
    try:
        letters.take(name, item, text, sealer.opened(name, item, text))
    except ForAnotherKey:
        # to refuse it would be a deadlock: only our own next outputs tell the partner our new key
        words = (
            f"Partner {name} sealed {item} for an earlier key of ours: it is passed over until {name} has run again."
        )
        letters.warnings.append(words)
    except ValueError as error:
        cure = f"Ask {name} to run pulumi up again; if that does not help, do not trust the way it came."
        letters.problems.append(Problem(f"partners.{name}", f"its sealed {item}: {error}.", cure))


def replaced(shared: Shared, before: Shared) -> Iterator[Problem]:
    """Secrets of partners that nodes of ours use, and in whose place a partner gives others: that is a wrong word.

    Args:
        shared: What this stack would hold with what partners seal now.
        before: What it would hold with what it kept of them; the protocol has read both, whatever the spelling.
    """
    for item, source in sorted(shared.taken.items()):
        if before.taken.get(item) == source and before.items[item] != shared.items[item]:
            words = f"its sealed {item} holds another secret than before, and nodes of this stack run with that one."
            cure = (
                f"Ask {source} to bring back the one that it gave before. Where all are to have another one, agree on "
                "the next keyGeneration, and set it in every stack."
            )
            yield Problem(f"partners.{source}", words, cure)


def share(
    settings: Settings,
    sealer: Sealer,
    imports: Mapping[str, Import],
    last: Mapping[str, Any],
    shared: Shared,
    letters: Letters,
) -> Sharing:
    """Seal what partners may have, and keep what is used of theirs.

    Args:
        settings: Ours.
        sealer: We.
        imports: What partners gave.
        last: Our own last outputs.
        shared: What this stack holds.
        letters: What partners sealed for us; gets a warning for each that nothing is sealed to.
    """
    keys = _keys(settings, imports, last, letters.warnings)
    sealed: dict[str, dict[str, str]] = {}
    for item, text in sorted(shared.items.items()):
        for name in sorted(set(shared.to.get(item, ())) & keys.keys()):
            sealed.setdefault(name, {})[item] = sealer.seal(name, keys[name], item, text)
    received: dict[str, dict[str, str]] = {}
    for item, source in sorted(shared.taken.items()):
        if kept := letters.sealed.get(source, {}).get(item):
            received.setdefault(source, {})[item] = kept
    return Sharing(sealer, keys, sealed, received)


def _keys(
    settings: Settings, imports: Mapping[str, Import], last: Mapping[str, Any], warnings: list[str]
) -> dict[str, str]:
    """Whom something may be sealed to. A key is taken on first sight, and a new one only where its signer is pinned."""
    told = last.get("sealingKeys")
    known = told if isinstance(told, Mapping) else {}
    found = {}
    for name, given in imports.items():
        before, now = _key(known.get(name)), given.sealing_key
        if now and not given.key:
            warnings.append(f"Partner {name} is not signed: its sealing key is not used, and nothing of it is opened.")
            now = ""
        if before and now not in ("", before) and not settings.sources[name].key:
            found[name] = before
            warnings.append(
                f"Partner {name} now has the sealing key {now}, before {before}: it is sealed to as before. Compare "
                f"{given.key} with it by another way, and pin it as archipelago:partners.{name}.key."
            )
        elif now or before:  # one that is away is sealed to as before, or our outputs would change with it
            found[name] = now or before
    return found


def _key(value: Any) -> str:
    """A sealing key as our own last outputs tell it; empty where they tell none."""
    try:
        return check_sealing_key(str(value))
    except ValueError:
        return ""


def changed_keys(
    last: Mapping[str, Any], nodes: Mapping[str, Node[Any]], settings: Settings, *, certain: bool
) -> Iterator[Problem]:
    """Running members whose swarm's key would become another one, or would be gone.

    Args:
        last: Our own last outputs.
        nodes: Our nodes by name.
        settings: Ours.
        certain: False where the cluster did not answer, so that a key may be unknown for that reason.
    """
    for before in last.get("externalNodes") or []:
        node, had = nodes.get(before.get("name", "")), before.get("fingerprint")
        if node is None or not had or before.get("swarm") != node.record.swarm:
            continue
        swarm, now = node.record.swarm, node.record.fingerprint
        generation, wanted = int(before.get("keyGeneration", 1)), node.record.key_generation or 1
        if now is None and certain:
            words = f"it runs with the key {had} of swarm {swarm}, and which one it has now is not known."
            cure = "Bring back what the key comes from, the partner or the Secret."
            if wanted != generation:
                cure = f"Leave keyGeneration at {generation} until whoever gives the key has generation {wanted}."
            yield Problem(settings.path_of(node.name), words, cure)
        elif now not in (None, had) and wanted <= generation:  # to count down is no new key, it is a known one
            words = f"the key of swarm {swarm} would change from {had} to {now} under this member."
            cure = (
                "Bring back the key that it had. Where the swarm shall have another one, agree on the next "
                f"keyGeneration, {generation + 1}, and set it in every stack."
            )
            yield Problem(settings.path_of(node.name), words, cure)


def _texts(value: Any) -> dict[str, dict[str, str]]:
    """Texts by partner and item, whatever else there is."""
    outer = value if isinstance(value, Mapping) else {}
    return {
        str(name): {str(item): text for item, text in inner.items() if isinstance(text, str)}
        for name, inner in outer.items()
        if isinstance(inner, Mapping)
    }
