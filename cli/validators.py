"""`archipelago validators plan` and `apply`: votes, never as a side effect of `pulumi up`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from archipelago.chains.running import Unanswered
from archipelago.problems import Problem, Refused
from cli import consoles
from cli.load import parse_partners
from cli.running import OutputsFiles, Partners, able, load, sound, unreachable
from cli.secrets import SeedFiles, read_seeds
from cli.stacks import HERE, Directory, Stacks, Targets, find
from operate import validators
from operate.kubectl import Failed
from operate.site import Seen, look
from operate.stack import Stack, validator_names
from operate.validators import Change, Votes

app = typer.Typer(
    name="validators",
    help="Who validates, who shall, and the votes that lead there; each organisation votes at its own nodes.",
    no_args_is_help=True,
)

OPEN = 3  # exit code: the set is not yet as the settings want it
_PAUSE = 2.0
Remove = Annotated[
    list[str] | None,
    typer.Option("--remove", help="A validator that shall go, by name or address.", show_default=False),
]
Add = Annotated[
    list[str] | None,
    typer.Option("--add", help="A partner's validator to vote in, by name or address.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command("plan")
def plan(
    targets: Targets = None,
    stacks: Stacks = None,
    directory: Directory = HERE,
    add: Add = None,
    remove: Remove = None,
    as_json: AsJson = False,
    outputs: OutputsFiles = None,
    partner: Partners = None,
    seed_files: SeedFiles = None,
) -> None:
    """Compare the validators that all known stacks want with those of the chain.

    The exit code is 0 if they are the same, and 3 if not, however many votes are missing.

    Example:  archipelago validators plan -s cluster-a
    """
    loaded = _load([*(targets or []), *(stacks or [])], directory, outputs, partner, seed_files)
    seen = _look(loaded)
    votes = validators.plan(loaded, seen, **_named(loaded, seen, remove, add))
    _show(votes, loaded, as_json=as_json)
    if not votes.settled:
        raise typer.Exit(OPEN)


@app.command("apply")
def apply(
    targets: Targets = None,
    stacks: Stacks = None,
    directory: Directory = HERE,
    add: Add = None,
    remove: Remove = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also vote for what would do harm; the plan says what.")
    ] = False,
    allow_share: Annotated[
        bool,
        typer.Option("--allow-share", help="Also vote for what gives one organisation a third or two thirds."),
    ] = False,
    timeout: Annotated[int, typer.Option(help="Seconds to wait until the set is as wanted; 0 not to wait.")] = 0,
    as_json: AsJson = False,
    outputs: OutputsFiles = None,
    partner: Partners = None,
    seed_files: SeedFiles = None,
) -> None:
    """Cast this organisation's votes at its own validators, and take back those that are settled.

    What a partner alone wishes is voted for only where it is named, by --add or --remove. The exit code is 0 if all
    votes were cast, 1 if one was refused, and 3 if a wish was not named or the set is another one after --timeout.

    Example:  archipelago validators apply -s cluster-a --timeout 60
    """
    loaded = _load([*(targets or []), *(stacks or [])], directory, outputs, partner, seed_files)
    seen = _look(loaded)
    named = _named(loaded, seen, remove, add)
    votes = validators.plan(loaded, seen, **named)
    _cast(votes, seen, force, allow_share)
    end = time.monotonic() + timeout
    while len(_held_back(votes, force, allow_share)) < len(votes.changes) and time.monotonic() < end:
        time.sleep(_PAUSE)
        seen = _look(loaded)
        votes = validators.plan(loaded, seen, **named)
        _cast(votes, seen, force, allow_share)  # left at a node, what has passed would be cast again
    votes = validators.plan(loaded, _look(loaded), **named)
    _show(votes, loaded, as_json=as_json)
    held = _held_back(votes, force, allow_share)
    if any(not change.unnamed for change in held):
        raise typer.Exit(1)
    if held or (timeout and not votes.settled):
        raise typer.Exit(OPEN)


def _held_back(votes: Votes, force: bool, allow_share: bool) -> list[Change]:
    return [change for change in votes.changes if validators.held_back(change, force, allow_share)]


def _load(
    named: Sequence[str],
    directory: Path,
    outputs: list[Path] | None,
    partner: list[str] | None,
    seed_files: list[Path] | None,
) -> list[Stack]:
    files = find(named, directory)
    with consoles.err.status("asking pulumi for the stacks' outputs"):
        loaded = load(files, outputs, parse_partners(partner), read_seeds(seed_files, files))
    if len({stack.site.network for stack in loaded}) > 1:
        cure = f"Name one of them: -s {loaded[0].site.stack}"
        raise Refused([Problem("", "these stacks are not of one network.", cure)], str(directory))
    for stack in loaded:
        able(stack.site.chain.running.votes, f"Pulumi.{stack.site.stack}.yaml")
        sound(stack)
        if stack.sealed:
            consoles.note(f"{stack.site.stack}: {stack.sealed}; its wishes are those of its last pulumi up")
    return loaded


def _look(stacks: Sequence[Stack]) -> list[Seen]:
    try:
        seen = look([stack.site for stack in stacks])
    except Failed as error:
        raise unreachable(error, ", ".join(stack.site.stack for stack in stacks)) from None
    if not any(each.state for each in seen):
        problems = [Problem("", f"{each}: {each.trouble}.", "archipelago status") for each in seen]
        raise Refused(problems, "no node of yours answers")
    return seen


def _named(
    stacks: Sequence[Stack], seen: Sequence[Seen], remove: Sequence[str] | None, add: Sequence[str] | None
) -> dict[str, tuple[str, ...]]:
    """The addresses that were named, by what is to become of them.

    Raises:
        Refused: No node has such a name or address, one was named both ways, or does not ask to validate.
    """
    words = {"remove": tuple(remove or ()), "add": tuple(add or ())}
    found = {way: validators.addresses(listed, stacks, seen) for way, listed in words.items()}
    known = ", ".join(sorted(validator_names(stacks).values()))
    problems = [
        Problem(
            "", f"--{way} {word}: no known node has this name or address.", f"Known here: {known}; or type an address."
        )
        for way, listed in found.items()
        for word, address in listed.items()
        if not address
    ]
    for word, address in found["add"].items():
        if address and address in found["remove"].values():
            problems.append(Problem("", f"{word} is named to come and to go.", "Name it once."))
        elif address and validators.wishes(stacks).get(address) is False:
            cure = "Its organisation sets validator: true at the node and runs pulumi up, then name it again."
            problems.append(Problem("", f"--add {word}: it does not ask to validate.", cure))
    if problems:
        raise Refused(problems, "archipelago validators")
    return {way: tuple(listed.values()) for way, listed in found.items()}


def _cast(votes: Votes, seen: Sequence[Seen], force: bool, allow_share: bool) -> None:
    for each, cast, drop in validators.cast(votes, seen, force, allow_share):
        way = able(each.site.chain.running.votes, str(each))
        try:
            wrong = json.loads(way.answer(each.ask(way.vote(cast, drop))))
        except (Failed, Unanswered, ValueError) as error:
            wrong = [str(error)]
        if wrong:
            cure = f"archipelago logs {each.node} -s {each.site.stack}"
            raise Refused([Problem("", f"it does not vote: {'; '.join(wrong)}.", cure)], str(each))
        said = [f"{'add' if add else 'remove'} {_called(votes, address)}" for address, add in cast.items()]
        said += [f"took back {len(drop)} that passed or {'is' if len(drop) == 1 else 'are'} not wanted"] if drop else []
        consoles.err.print(f"[green]✓[/green] {escape(str(each))} votes: {escape(', '.join(said))}")


def _called(votes: Votes, address: str) -> str:
    return next((change.name for change in votes.changes if change.address == address), address)


def _show(votes: Votes, stacks: Sequence[Stack], *, as_json: bool) -> None:
    if as_json:
        consoles.out.print_json(json.dumps(_plain(votes)))
        return
    consoles.out.print(f"validators at block {votes.height}: {', '.join(votes.current)}", markup=False)
    for each in votes.changes:
        consoles.out.print(f"{'[green]+[/green]' if each.add else '[red]-[/red]'} {escape(_line(each))}")
        for held in _held(each):
            consoles.out.print(f"  [yellow]→ not voted for without {escape(held)}[/yellow]")
    for vote in votes.open:
        word = "add" if vote.add else "remove"
        consoles.out.print(f"open: {word} {vote.name}, voted by {', '.join(vote.votes)}", markup=False)
    if votes.changes:
        _next(votes, stacks)
    else:
        consoles.out.print("[green]✓[/green] the set is as the settings want it")
    for name in votes.unproven:
        consoles.note(
            f"{name} is to be no validator by its partner's word, which does not prove that it has the key: no vote "
            f"follows. Ask it to run pulumi up with this version, or vote with --remove {name}"
        )
    for address in votes.unclaimed:
        consoles.note(f"no known stack claims {address}; --remove {address} votes it out")


def _held(change: Change) -> Iterator[str]:
    """Options without which no vote is cast, each with the reason."""
    if change.unnamed:
        yield f"{_option(change)}: a partner alone wishes it"
    if change.refusal:
        yield f"--force: {change.refusal}"
    if change.share:
        yield f"--allow-share: {change.share}"


def _line(change: Change) -> str:
    words = [f"{change.name}: {len(change.votes)} of {change.needed} votes"]
    if change.votes:
        words[0] += f" ({', '.join(change.votes)})"
    if change.voters:
        words.append(f"ours still to vote: {', '.join(change.voters)}")
    if change.missing:
        listed = ", ".join(f"{name} ({count})" for name, count in change.others.items())
        words.append(f"{change.missing} more needed of {listed or 'validators that are unknown here'}")
    return "; ".join(words)


def _next(votes: Votes, stacks: Sequence[Stack]) -> None:
    changes = votes.changes
    names = " ".join(f"-s {stack.site.stack}" for stack in stacks)
    mine = [change for change in changes if change.voters and not change.refusal and not change.share]
    typed = "".join(f" {_option(each)}" for each in mine if each.unnamed)
    if mine:
        consoles.note(f"archipelago validators apply {names}{typed} casts ours")
    waited = {name for change in changes if change.missing for name in change.others}
    for name in sorted(waited - set(votes.unclaimed)):
        asked = [change for change in changes if change.missing and name in change.others]
        # its own validator comes by its own settings; any other needs to be named
        theirs = [each for each in asked if not each.add or each.name.partition("/")[0] != name]
        typed = "".join(f" {_option(each)}" for each in theirs)
        consoles.note(f"then {name} runs archipelago validators apply{typed} at its side")


def _option(change: Change) -> str:
    return f"{'--add' if change.add else '--remove'} {change.name}"


def _plain(votes: Votes) -> dict[str, Any]:
    found = asdict(votes)
    for plain, change in zip(found["changes"], votes.changes, strict=True):
        plain["missing"] = change.missing
    return found | {"settled": votes.settled}
