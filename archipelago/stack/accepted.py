"""What a stack took of each partner last: it goes on with that while a partner gives nothing, or nothing usable."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from archipelago.chains.contract import Chain
from archipelago.model.endpoint import inside
from archipelago.model.record import ExternalNode, canonical
from archipelago.problems import Problem
from archipelago.settings.read import Settings
from archipelago.stack.partners import Import, accept


@dataclass(frozen=True, slots=True)
class Accepted:
    """What one partner gave when it was last taken.

    Args:
        nodes: Its nodes.
        key: Its signing key; empty where nothing was signed.
        edition: The count of its bundle when it last gave anything else; 0 where it had none.
        digest: Of all that is taken of it.
        lost: Whether nodes were taken that this stack does not know any more: the list in the cluster stays as it is.
        left_out: Names of its nodes that were not used, because they claimed what another node had.
    """

    nodes: tuple[ExternalNode, ...] = ()
    key: str = ""
    edition: int = 0
    digest: str = ""
    lost: bool = False
    left_out: frozenset[str] = frozenset()

    @property
    def used(self) -> Iterator[ExternalNode]:
        """Its nodes but those that were left out: what these claim they never had."""
        return (node for node in self.nodes if node.name not in self.left_out)


Before = Mapping[str, Accepted]


def read(last: Mapping[str, Any], settings: Settings) -> dict[str, Accepted]:
    """What the last run took, by partner; nothing of a partner that the stack file forgets, or has no longer.

    What was taken is held to today's rules: nodes whose hosts may not be dialled any more are left out, and a partner
    whose pinned key is another one than its record's has none.

    Args:
        last: The stack's own last outputs.
        settings: Ours.
    """
    told = last.get("accepted")
    found = {}
    for name, given in told.items() if isinstance(told, Mapping) else ():
        partner = settings.sources.get(name)
        if partner is None or partner.forget or partner.nodes is not None or partner.key not in (None, given["key"]):
            continue
        nodes = tuple(node for raw in given["nodes"] if (node := _of_today(raw, name, settings)))
        edition, out = int(given["edition"]), frozenset(map(str, given.get("leftOut") or ()))
        found[name] = Accepted(nodes, given["key"], edition, given["digest"], bool(given.get("lost")), out)
    return found


def _of_today(raw: Any, name: str, settings: Settings) -> ExternalNode | None:
    try:
        node = ExternalNode.model_validate(raw)
    except ValidationError:  # of a newer program
        return None
    if node.organisation != settings.organisation_of(name):  # a partner's name of before is a sibling's now
        return None
    if settings.sources[name].allow_inside:
        return node
    # a short name harms nobody who had it before; the run says that it needs the setting
    return None if any(inside(endpoint.host) for endpoint in node.endpoints.values()) else node


def imports(
    settings: Settings, chain: Chain, received: Mapping[str, Mapping[str, Any] | None], before: Before
) -> tuple[dict[str, Import], list[Problem]]:
    """What is taken of each partner: what it gives, or what it gave before where it is away or wrong.

    A wrong export is replaced before anything of ours is compared with it: what follows from it is no problem of ours.

    Args:
        settings: Ours.
        chain: Parses nodes.
        received: A bundle by partner; None for a partner that is not there. Pasted nodes need no entry.
        before: What the last run took.

    Returns:
        The imports by partner, and what is wrong with partners of whom nothing was taken before.
    """
    taken: dict[str, Import] = {}
    problems: list[Problem] = []
    for name, partner in sorted(settings.sources.items()):
        given = accept(name, partner, received.get(name), settings, chain)
        wrong = list(_older(given, before, settings)) if isinstance(given, Import) and not given.absent else []
        if not isinstance(given, Import):
            wrong = given
        elif not wrong:
            taken[name] = (_instead(name, given.absent, settings, before) if given.absent else None) or given
            continue
        if kept := _instead(name, _words(wrong), settings, before):
            taken[name] = kept
        else:
            problems += wrong
    return taken, problems


def unheard(taken: Mapping[str, Import], before: Before, settings: Settings, last: Mapping[str, Any]) -> frozenset[str]:
    """Partners that give nothing now, and of whose nodes nothing is known, although some may have been taken once.

    So it is where a stack has no outputs: it never ran, or its state is a new one. And where an older program exported
    them: that counted what it took, and no more.

    Args:
        taken: What is taken of each.
        before: What the last run took.
        settings: Ours.
        last: The stack's own last outputs.
    """
    counted = {} if "accepted" in last else last.get("partners") or {}
    return frozenset(
        name
        for name, given in taken.items()
        if given.absent and not given.nodes and not settings.sources[name].forget
        if not last or before.get(name, Accepted()).lost or (counted.get(name) or {}).get("nodes")
    )


def warnings(taken: Mapping[str, Import], last: Mapping[str, Any]) -> Iterator[str]:
    """What a reader of the preview should know of partners.

    Args:
        taken: What is taken of each.
        last: The stack's own last outputs.
    """
    counted, told = last.get("partners") or {}, last.get("accepted") or {}
    for name, given in taken.items():
        had = counted.get(name) or {}
        if given.absent and given.nodes:
            were = len((told.get(name) or {}).get("nodes") or ())
            out = f" {were - len(given.nodes)} more are not dialled any more." if were > len(given.nodes) else ""
            yield (
                f"{given.title}: {given.absent}. Its {len(given.nodes)} nodes that were taken last stay.{out} If it "
                f"has left for good, take it out of the stack file, or set archipelago:{given.path}.forget to true."
            )
        elif given.absent:
            yield f"{given.title}: {given.absent}. Run pulumi up again when it is."
        if had.get("nodes") and not (given.nodes or given.left_out):
            yield f"{given.title} had {int(had['nodes'])} nodes and has none now: they are dropped from the peers."
        known = (told.get(name) or {}).get("key") or had.get("key")
        if known and not given.absent and known != given.key:
            yield f"{given.title} now signs with {given.key or 'no key'}, before with {known}. Ask it why."


def written(taken: Iterable[Import], before: Before, settings: Settings, lost: Container[str] = ()) -> dict[str, Any]:
    """The output that `read` reads. The last key stays while a partner is away, so that another one is noticed.

    Args:
        taken: What is taken of each.
        before: What the last run took.
        settings: Ours.
        lost: Partners of whom the list in the cluster may have nodes that this stack does not know any more.
    """
    found: dict[str, Any] = {}
    for each in taken:
        known = before.get(each.name, Accepted())
        now = replace(known, lost=each.name in lost) if each.absent else _taken(each, known)
        now = replace(now, left_out=frozenset(each.left_out))
        if now != Accepted() and settings.sources[each.name].nodes is None:
            nodes = [_plain(node) for node in now.nodes]
            found[each.name] = {"key": now.key, "edition": now.edition, "digest": now.digest, "nodes": nodes}
            found[each.name] |= {"lost": True} if now.lost else {}
            found[each.name] |= {"leftOut": sorted(now.left_out)} if now.left_out else {}
    return found


def _taken(given: Import, known: Accepted) -> Accepted:
    """What a partner gives now. Another edition of the same is no news: two stacks would wait for each other."""
    nodes = given.told or given.nodes
    all_of_it = {"nodes": [_plain(node) for node in nodes], "profiles": given.profiles}
    digest = hashlib.sha256(canonical(all_of_it)).hexdigest()[:16]
    edition = known.edition if (digest, given.key) == (known.digest, known.key) else given.edition
    return Accepted(nodes, given.key, edition, digest)


def _plain(node: ExternalNode) -> dict[str, Any]:
    """What outlasts a partner's absence. Which key of a swarm it has may change with each run of anybody."""
    return node.model_copy(update={"fingerprint": None, "key_generation": None}).plain()


def _instead(name: str, why: str, settings: Settings, before: Before) -> Import | None:
    """What was taken last, in the place of what a partner gives now; None where there is nothing, or no trust in it.

    Args:
        name: The partner's name, or the sibling's.
        why: What is wrong with what it gives, in words.
        settings: Ours.
        before: What the last run took.
    """
    known, partner = before.get(name, Accepted()), settings.sources[name]
    trusted = known.key == partner.key if partner.key else bool(known.key or partner.unsigned)
    if known == Accepted() or not trusted or len(known.nodes) < partner.min_nodes:
        return None
    return Import(name, known.nodes, key=known.key, absent=why, sibling=name in settings.siblings)


def _older(given: Import, before: Before, settings: Settings) -> Iterator[Problem]:
    """What shows that a bundle is older than one that was taken before, and was put back.

    Each key counts for itself: who wrote a high edition once under another one keeps the right one out for ever.
    """
    known = before.get(given.name, Accepted())
    if known.key != given.key:
        return
    path = settings.path_of_source(given.name)
    cure = (
        f"Ask {given.name} to run pulumi up again. If it has lost its state or its keys, set archipelago:{path}.forget "
        "to true for one run."
    )
    if given.edition < known.edition:
        words = f"its bundle has the edition {given.edition}, and the edition {known.edition} was taken before."
        yield Problem(path, words, cure)
    generations = {node.name: node.generation for node in known.nodes}
    for node in given.nodes:
        if node.generation < (had := generations.get(node.name, 0)):
            words = f"{node} has generation {node.generation}, and generation {had} was taken before."
            yield Problem(path, words, cure)


def blamed(
    problems: Iterable[Problem], taken: Mapping[str, Import], settings: Settings, before: Before
) -> dict[str, Import]:
    """What was taken last of the partners without whose words the plan may be sound; empty where none is left.

    Two partners may contradict each other. Where what those who are named gave last does not help, all go back to
    that: it agreed once. None goes back because of an organisation that is no partner.

    Args:
        problems: Why the plan was refused; some may be ours.
        taken: What is taken of each now.
        settings: Ours.
        before: What the last run took.
    """
    by_partner: dict[str, list[Problem]] = {}
    for problem in problems:
        if (name := whose(problem)) in taken:
            by_partner.setdefault(name, []).append(problem)
    everything = [problem for found in by_partner.values() for problem in found]
    every = dict.fromkeys(taken, everything) if everything else {}
    return _stand_ins(by_partner, taken, settings, before) or _stand_ins(every, taken, settings, before)


def whose(problem: Problem) -> str:
    """The partner or sibling that is to be asked about a problem; empty where it is ours."""
    section, _, rest = problem.path.partition(".")
    return rest.partition(".")[0] if section in ("partners", "siblings") else ""


def _stand_ins(
    wrong: Mapping[str, list[Problem]], taken: Mapping[str, Import], settings: Settings, before: Before
) -> dict[str, Import]:
    """What was taken last of partners that are wrong, as far as they are not passed over already."""
    there = {name: found for name, found in wrong.items() if not taken[name].absent}
    kept = {name: _instead(name, _words(found), settings, before) for name, found in there.items()}
    return {name: each for name, each in kept.items() if each}


def _words(problems: Iterable[Problem]) -> str:
    """What is wrong with a partner, in one sentence without its end."""
    return "; ".join(dict.fromkeys(problem.message.rstrip(".") for problem in problems))
