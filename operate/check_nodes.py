"""Whether nodes run, make blocks, and make the same ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from archipelago.chains.running import Lack
from archipelago.model.swarms import Swarms
from operate.findings import Finding, Mark, short
from operate.site import Seen
from operate.stack import Stack

_BEHIND = 10  # blocks: two reads of two nodes are never at the same moment


def pods(seen: Iterable[Seen]) -> Iterator[Finding]:
    """Every node has a pod that is ready, and answers."""
    for each in seen:
        here = f"-s {each.site.stack}"
        if each.pod is None:
            chosen = f"archipelago/network={each.site.network},archipelago/node={each.node}"
            kind = each.site.chain.running.workload
            cure = (
                f"kubectl -n {each.site.namespace_of(each.node)} get {kind} -l {chosen} tells whether it was scaled "
                f"down or deleted; pulumi up --refresh {here} brings it back."
            )
            if each.unmade:
                cure = f"Where Kubernetes refuses it: allow what it names, or ask for less (resources). Else {cure}"
            yield Finding("pods", str(each), Mark.FAILED, each.trouble, cure)
        elif each.state is None:
            cure = f"archipelago logs {each.node} {here}"
            yield Finding("pods", str(each), Mark.FAILED, each.trouble, cure)
        elif not each.pod.is_ready:
            ready = f"{each.pod.ready} of {len(each.pod.images)} containers are ready ({each.pod.phase})"
            what = "it still fetches old blocks: " if each.state.syncing else ""
            mark = Mark.WARNING if what else Mark.FAILED
            yield Finding("pods", str(each), mark, f"{what}{ready}", f"archipelago logs {each.node} {here}")
        elif each.pod.restarts:
            cure = f"archipelago logs {each.node} {here} --previous tells why."
            yield Finding("pods", str(each), Mark.WARNING, f"ready, after {_times(each.pod.restarts)}", cure)
        else:
            yield Finding(
                "pods", str(each), Mark.OK, f"ready ({each.pod.ready} of {len(each.pod.images)}), never restarted"
            )


def heights(before: Sequence[Seen], after: Sequence[Seen], seconds: float) -> Iterator[Finding]:
    """Every node's block height rises, and none is far behind."""
    highest: dict[str, int] = defaultdict(int)
    for each in after:
        if each.state:
            highest[each.site.network] = max(highest[each.site.network], each.state.height)
    for first, last in zip(before, after, strict=True):
        if first.state is None or last.state is None:
            continue
        old, new, top = first.state.height, last.state.height, highest[last.site.network]
        if new <= old:
            cure = _why_not(last, top)
            yield Finding("height", str(last), Mark.FAILED, f"stays at block {new} for {seconds:.0f} s", cure)
        elif top - new > _BEHIND:
            cure = "It catches up, unless the number grows: run this again."
            yield Finding("height", str(last), Mark.WARNING, f"block {new}, {top - new} behind the others", cure)
        else:
            yield Finding("height", str(last), Mark.OK, f"block {old}, then {new} after {seconds:.0f} s")


def genesis(stacks: Sequence[Stack], seen: Iterable[Seen]) -> Iterator[Finding]:
    """Every node runs the genesis that its stack exported, and all stacks and partners the same."""
    exported = {stack.site.stack: stack.network.genesis_hash for stack in stacks}
    for each in seen:
        if each.state is None:
            continue
        there, here = exported[each.site.stack], each.state.genesis_hash
        if there and here != there:
            words = f"runs genesis {short(here)}, and its stack exported {short(there)}"
            cure = (
                "Its volume holds another chain. Find out which of the two is the network's; docs/operations.md "
                '("Destroy and come back") tells how a genesis is put back.'
            )
            yield Finding("genesis", str(each), Mark.FAILED, words, cure)
        else:
            yield Finding("genesis", str(each), Mark.OK, short(here))
    yield from _partners_genesis(stacks)


def same_block(seen: Iterable[Seen], asked: Mapping[str, int | None]) -> Iterator[Finding]:
    """All nodes have the same block at a height that all of them have reached."""
    by_network: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for each in seen:
        if each.state and each.state.block_hash:
            by_network[each.site.network][each.state.block_hash].append(str(each))
    for network, holders in by_network.items():
        height = asked.get(network)
        common = max(holders, key=lambda hash_: len(holders[hash_]))
        if len(holders) == 1:
            count = len(holders[common])
            words = f"{short(common)} at height {height} on {count} node{'' if count == 1 else 's'}"
            yield Finding("same block", network, Mark.OK, words)
        for hash_, nodes in holders.items():
            if hash_ != common:
                words = f"{short(hash_)} at height {height}, and {', '.join(holders[common])}: {short(common)}"
                cure = "They run different chains: compare the line `genesis` of both, and their releases."
                for node in nodes:
                    yield Finding("same block", node, Mark.FAILED, words, cure)


def keys(stacks: Sequence[Stack], seen: Iterable[Seen]) -> Iterator[Finding]:
    """Every node was started with the key that it shares with its peers, and all of a swarm with the same one."""
    by_stack = {stack.site.stack: stack for stack in stacks}
    for each in (each for each in seen if each.state):
        stack = by_stack[each.site.stack]
        record = stack.record(each.node)
        if record is None or each.state is None or not record.fingerprint:
            continue
        here = each.state.fingerprint
        known = Swarms.of(stack.organisation, stack.book)
        near = [node for node in stack.book if record.swarm in known.ours(node)]
        others = [node for node in near if node.fingerprint not in (None, here)]
        if here != record.fingerprint:
            words = (
                f"was started with the key {here or 'nobody knows which'}, and its stack exported {record.fingerprint}"
            )
            cure = f"pulumi up -s {stack.site.stack} starts it with the other one."
            yield Finding("key", str(each), Mark.FAILED, words, cure)
        elif others:
            listed = ", ".join(f"{node} has {node.fingerprint}" for node in others)
            cure = "They cannot be connected: find out which key is the swarm's, and let the others take it."
            yield Finding("key", str(each), Mark.FAILED, f"has the key {here}, and {listed}", cure)
        else:
            yield Finding("key", str(each), Mark.OK, f"{here}, that of swarm {record.swarm}")


def _partners_genesis(stacks: Sequence[Stack]) -> Iterator[Finding]:
    told: set[tuple[str, str]] = set()
    for stack in stacks:
        for given in stack.imports:
            ours, theirs = stack.network.genesis_hash, given.network.genesis_hash if given.network else ""
            pair = (min(stack.organisation, given.name), max(stack.organisation, given.name))
            if not ours or not theirs or pair in told:
                continue
            told.add(pair)
            if ours == theirs:
                yield Finding("genesis", given.name, Mark.OK, f"{short(theirs)}, the same as {stack.organisation}'s")
            else:
                words = f"exported genesis {short(theirs)}, and {stack.organisation} runs {short(ours)}"
                founder = stack.network.founder or "the founder"
                cure = f"They can never share blocks. {founder}'s is the network's: let the other one join it again."
                yield Finding("genesis", given.name, Mark.FAILED, words, cure)


def _why_not(each: Seen, top: int) -> str:
    state = each.state
    if state and top > state.height:
        return f"Others are at {top}: see its peers below, and archipelago logs {each.node} -s {each.site.stack}"
    count = len(state.validators) if state else 0
    needed = each.site.chain.running.quorum(count)
    words = (
        f"{needed} of {count} validators have to run and to reach each other: see what failed in pods, peers, reach."
    )
    if not isinstance(each.site.chain.running.votes, Lack):
        words += " Where nothing did: docs/operations.md, Blocks come late after a long pause."
    return words


def _times(restarts: int) -> str:
    return "1 restart" if restarts == 1 else f"{restarts} restarts"
