"""Whether nodes are connected with whom they should be, let in whom they should, and reach their partners."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from archipelago.chains.running import Admission, Knock, Lack, State, Unanswered
from archipelago.model.record import ExternalNode
from operate import pending
from operate.findings import Finding, Mark
from operate.kubectl import Failed
from operate.site import Seen, at_once
from operate.stack import Stack, names

_NO_COMMAND = (126, 127)  # exit codes of a program that is not there
_OUT_OF_TIME = (124, 143)  # exit codes of one that was ended after a while


def lacking(stack: Stack, each: Seen) -> int:
    """With how many a node should be connected and is not."""
    if each.state is None:
        return 0
    if each.state.counted is None:
        return len(_missing(stack, each, each.state))
    return max(0, len(stack.dialled_by(each.node)) - 1 - each.state.counted)


def _missing(stack: Stack, each: Seen, state: State) -> list[str]:
    wanted = stack.dialled_by(each.node).items()
    return sorted(id_ for id_, name in wanted if id_ not in state.peers and name != str(each))


def peers(stacks: Sequence[Stack], seen: Sequence[Seen]) -> Iterator[Finding]:
    """Every node is connected with everybody in the address book."""
    known, by_stack = names(stacks), {stack.site.stack: stack for stack in stacks}
    down = {str(each): trouble for each in seen if (trouble := _trouble(each, by_stack[each.site.stack]))}
    for each in seen:
        if each.state is None:
            continue
        stack = by_stack[each.site.stack]
        dialled = stack.dialled_by(each.node)
        wanted = len(dialled) - 1
        if each.state.counted is not None:
            yield _counted(each, stack, each.state.counted, wanted)
            continue
        absent = [known[node_id] for node_id in _missing(stack, each, each.state)]
        strangers = sorted(set(each.state.peers) - set(dialled))
        if absent:
            words = f"{wanted - len(absent)} of {wanted} peers; missing: {', '.join(absent)}"
            yield Finding("peers", str(each), Mark.FAILED, words, _cure(str(each), absent, down, stack))
        elif strangers:
            listed = ", ".join(known.get(node_id, f"{node_id[:16]}…") for node_id in strangers)
            cure = "The container `peers` disconnects within 150 s whoever was taken out: read its log if one stays."
            yield Finding("peers", str(each), Mark.WARNING, f"{wanted} of {wanted} peers, and also {listed}", cure)
        else:
            yield Finding("peers", str(each), Mark.OK, f"{wanted} of {wanted} peers")


def _counted(each: Seen, stack: Stack, count: int, wanted: int) -> Finding:
    """What a number tells: who is missing it does not, nor whether one is counted from both ends."""
    if count >= wanted:
        return Finding("peers", str(each), Mark.OK, f"{count} connections, {wanted} others in the address book")
    words = f"{count} connections, and {wanted} others in the address book; a node does not tell who they are"
    cure = (
        f"See `reach` and `height`. Nodes may know only those that were there when they started; then {each.node} "
        f"counts again after its next start. Else archipelago logs {each.node} -s {stack.site.stack}"
    )
    return Finding("peers", str(each), Mark.WARNING, words, cure)


def admitted(stacks: Sequence[Stack], seen: Sequence[Seen]) -> Iterator[Finding]:
    """Every node of one network lets in exactly those in the address book."""
    known, by_stack = names(stacks), {stack.site.stack: stack for stack in stacks}
    admission = stacks[0].site.chain.running.admission
    if isinstance(admission, Lack):
        yield Finding("permissioned", stacks[0].site.network, Mark.SKIPPED, admission.words, admission.instead)
        return
    asked = [each for each in seen if each.state and each.site.stack in by_stack]
    for each, found in zip(asked, at_once(partial(_list_of, admission), asked), strict=True):
        stack = by_stack[each.site.stack]
        if isinstance(found, str):
            yield Finding(
                "permissioned", str(each), Mark.FAILED, found, f"archipelago logs {each.node} -s {stack.site.stack}"
            )
            continue
        live_files = stack.site.chain.live_files(stack.network.name, stack.book)
        wanted = admission.entries(admission.expected(live_files))
        lacking = [known.get(node_id, node_id[:16]) for node_id in sorted(set(wanted) - set(found))]
        extra = [known.get(node_id, f"{node_id[:16]}…") for node_id in sorted(set(found) - set(wanted))]
        moved = [known[node_id] for node_id in sorted(set(found) & set(wanted)) if found[node_id] != wanted[node_id]]
        words = [
            f"{title} {', '.join(nodes)}"
            for title, nodes in (("lacks", lacking), ("also has", extra), ("has an old address of", moved))
            if nodes
        ]
        if words:
            cure = (
                f"pulumi up -s {stack.site.stack} takes over what partners export now; the file follows in the pod "
                "within 150 s, without a restart."
            )
            mark, cure = (Mark.WARNING, pending.heard(stack)) if stack.unheard else (Mark.FAILED, cure)
            yield Finding("permissioned", str(each), mark, f"its list {'; '.join(words)}", cure)
        else:
            yield Finding("permissioned", str(each), Mark.OK, f"{len(found)} nodes")


def reach(stacks: Sequence[Stack], seen: Sequence[Seen]) -> Iterator[Finding]:
    """Every partner's ports answer a pod of ours."""
    tries: list[tuple[Stack, Seen, ExternalNode, Knock]] = []
    for stack in stacks:
        tries += _siblings(stack, seen)
        partners = [node for given in stack.imports for node in given.nodes]
        door = next((each for each in seen if each.site.stack == stack.site.stack and each.state), None)
        if door is None:
            if partners:
                cure = "Nobody can look from there: see what failed in pods."
                yield Finding("reach", stack.site.stack, Mark.SKIPPED, "no node of it runs", cure)
            continue
        for node in partners:
            knocks = stack.site.chain.running.knocks(node)
            tries += [(stack, door, node, knock) for knock in knocks]
            if not knocks:
                cure = f"It appears in {node.organisation}'s next pulumi up; then run pulumi up -s {stack.site.stack}."
                yield Finding("reach", str(node), Mark.WARNING, "nobody knows where it is dialled", cure)
    for (stack, _, node, knock), trouble in zip(tries, at_once(_knock, tries), strict=True):
        yield _reached(stack, node, knock, trouble)


def _siblings(stack: Stack, seen: Sequence[Seen]) -> Iterator[tuple[Stack, Seen, ExternalNode, Knock]]:
    """Ports at which nodes of one organisation dial each other by their exported address."""
    running = stack.site.chain.running
    doors = [each for each in seen if each.site.stack == stack.site.stack and each.state]
    for node in stack.records:
        door = next((each for each in doors if each.node != node.name), None)
        for knock in running.knocks(node):
            if door and knock.port in running.among_siblings:
                yield stack, door, node, knock


def private_keys(stacks: Sequence[Stack], seen: Sequence[Seen]) -> Iterator[Finding]:
    """Every node's private-transaction manager knows the keys of all others."""
    by_stack = {stack.site.stack: stack for stack in stacks}
    for each in seen:
        stack, asked = by_stack[each.site.stack], each.site.chain.running.private_keys
        own = stack.record(each.node)
        if asked is None or each.state is None or own is None or not own.privacy_key:
            continue
        try:
            known = asked.known(each.ask(asked.asked()))
        except (Failed, Unanswered) as error:
            cure = f"Read its log: archipelago logs {each.node} tessera -s {stack.site.stack}"
            yield Finding("private keys", str(each), Mark.FAILED, f"its manager does not answer: {error}", cure)
            continue
        wanted = {node.privacy_key: str(node) for node in stack.book if node.privacy_key}
        absent = sorted(name for key, name in wanted.items() if key not in known)
        if absent:
            whose = ", ".join(sorted({name.partition("/")[0] for name in absent}))
            cure = (
                "The container `peers` tells the manager again within 10 s of a peer that it forgot. A key is learnt "
                f"only from its owner's call: see `reach`, and ask {whose} whether `reach` at their side answers, too. "
                f"Else restart one manager: kubectl delete pod {each.pod.name if each.pod else each.node}"
            )
            words = f"its manager lacks the key of {', '.join(absent)}: no private transaction reaches them"
            yield Finding("private keys", str(each), Mark.FAILED, words, cure)
        else:
            yield Finding("private keys", str(each), Mark.OK, f"its manager knows all {len(wanted)} keys")


def _list_of(admission: Admission, each: Seen) -> dict[str, str] | str:
    try:
        return admission.entries(each.ask(admission.listed()))
    except (Failed, Unanswered) as error:
        return f"its list cannot be read: {error}"


def _knock(tried: tuple[Stack, Seen, ExternalNode, Knock]) -> Failed | None:
    _, door, _, knock = tried
    try:
        door.ask(knock.command)
    except Failed as failed:
        return failed
    return None


def _reached(stack: Stack, node: ExternalNode, knock: Knock, trouble: Failed | None) -> Finding:
    where = f"{knock.port} at {knock.endpoint}"
    if trouble is None:
        return Finding("reach", str(node), Mark.OK, f"{where} answers {stack.organisation}")
    if trouble.code in _NO_COMMAND or "executable file not found" in str(trouble):
        words = f"{where} was not tried: the image has no {knock.command[0]}"
        return Finding("reach", str(node), Mark.SKIPPED, words, "The lines `peers` tell who is connected.")
    if stack.book.runs(node):
        cure = (
            f"Nodes of one organisation send to the address that they export: {knock.endpoint} has to answer from "
            "inside the cluster, too (network policies, firewall, a router that translates)."
        )
        why = "it takes no connection" if trouble.code in _OUT_OF_TIME else str(trouble)
        return Finding("reach", str(node), Mark.FAILED, f"{where} does not answer its siblings: {why}", cure)
    whom = next((given.name for given in stack.imports if given.sibling and node in given.nodes), node.organisation)
    cure = (
        f"Ask {whom} whether the node runs and the port is open to {stack.organisation} (its Service, "
        "network policy, firewall), and whether this address is still what it exports."
    )
    why = "it takes no connection" if trouble.code in _OUT_OF_TIME else str(trouble)
    return Finding("reach", str(node), Mark.FAILED, f"{where} does not answer {stack.organisation}: {why}", cure)


def _trouble(each: Seen, stack: Stack) -> str:
    """Why nobody can be connected with a node."""
    if each.state is None:
        return each.trouble
    same = each.state.genesis_hash == stack.network.genesis_hash
    return "" if same or not stack.network.genesis_hash else "it runs another genesis"


def _cure(node: str, absent: Sequence[str], down: dict[str, str], stack: Stack) -> str:
    if node in down:
        return f"{down[node]}: see `genesis`."
    stopped = [name for name in absent if name in down]
    if stopped:
        return f"{', '.join(f'{name}: {down[name]}' for name in stopped)}. Put that right first."
    foreign = sorted({name.partition("/")[0] for name in absent} - {stack.organisation})
    if foreign:
        return f"Ask {', '.join(foreign)} whether it runs, and lists yours (a pulumi up after yours); see `reach`."
    return "A new connection takes up to a minute; if it stays away, compare `permissioned` on both."
