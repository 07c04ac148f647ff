"""The command line of `create_k8s_config.py`, from commit cfbd656 to tag v5.0.0, read as its own argparse reads it."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import NoReturn

from archipelago.problems import Problem, Refused

SOURCE = "--command"
_NODES = 1000
_LOCAL, _MULTI = "local_cluster", "multi_cluster"
# Options with their defaults. Booleans are `type=bool` there: every text but the empty one is true, False too.
_BOTH = {
    "block_delay_number": "0",
    "chain_name": "test-chain",
    "service_config": "service-config.toml",
    "need_monitor": "",
    "need_debug": "",
    "state_db_user": "citacloud",
    "state_db_password": "citacloud",
    "work_dir": ".",
    "enable_tls": "True",
    "is_stdout": "",
    "log_level": "info",
}
_OWN = {
    _LOCAL: {"peers_count": "2", "node_port": "30004", "kms_password": "", "pvc_name": ""},
    _MULTI: {"timestamp": "", "super_admin": ""},
}
_LISTS = ("nodes", "authorities", "lbs_tokens", "sync_device_ids", "kms_passwords", "node_ports", "pvc_names")


_MODE = re.compile(rf"\b({_LOCAL}|{_MULTI})\b")
_CLAIM = (
    "Write --pvc_name and any name in its place, which is that of a claim, and in the stack file in the place of "
    "storage.claim at each node"
)
# Of other versions: what they are, and what to write.
_OTHER_OPTIONS = {
    "--data_dir": (
        "--data_dir is of runner_k8s up to release 4, whose nodes were Pods on a directory of the machine.",
        f"{_CLAIM}: storage: {{local: {{host: <the machine>, path: <the directory>}}}}. Before release 4 kms made the "
        "accounts when it started: then the folder has none, and the chain cannot be imported.",
    ),
    **dict.fromkeys(
        ("--nfs_server", "--nfs_path"),
        (
            "--nfs_server and --nfs_path are of runner_k8s up to release 4, whose nodes were Pods on an NFS server.",
            f"{_CLAIM}: storage: {{nfs: {{server: <the server>, path: <the path>}}}}",
        ),
    ),
    "--business_network_name": (
        "--business_network_name is of runner_k8s's branches for a composer, which set nothing in a chain.",
        "Leave it out, and give the rest of the line.",
    ),
    "--nodePort_ports": (
        "--nodePort_ports is of runner_k8s's branch add_node_port, which opened NodePorts beside the load balancers.",
        "Leave it out, and give the rest of the line; exposure: {type: NodePort} at a node opens its ports so.",
    ),
}
_SUCCESSOR = "its chains have the layout of release 6 and later, which this program does not run."
_OTHER_PROGRAMS = {
    "cloud-config": f"it is a line of cloud-config: {_SUCCESSOR}",
    "cita-cloud-config": f"it is a line of cita-cloud-config: {_SUCCESSOR}",
    "create-pvc": "it is a line of create_pvc.py, which made volumes alone.",
    "create-account": "it is a line of create_account.py, which made an account alone.",
    "create-syncthing-config": "it is a line of create_syncthing_config.py, which made a certificate alone.",
    "create-k8s-config": f"it has neither {_LOCAL} nor {_MULTI}, without which create_k8s_config.py made nothing.",
}


@dataclass(frozen=True, slots=True)
class Place:
    """What the line says of one node; the last five with multi_cluster only.

    Args:
        claim: Its volume claim.
        password: Of its kms.
        host: What the others dial.
        base: First of its nine ports.
        balancer: Id of its load balancer.
        authority: Its address.
        device: Its device id.
    """

    claim: str
    password: str = field(repr=False)
    host: str = ""
    base: int = 0
    balancer: str = ""
    authority: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A whole line.

    Args:
        multi: Whether the nodes are in several clusters.
        chain: Name of the chain.
        block_delay: Blocks after which one is final.
        service_config: Path of the file with the services.
        monitor: Whether there are exporters.
        debug: Whether there is a container for tests.
        log_level: Of all services.
        node_port: First NodePort of the layout for one cluster.
        timestamp: Of block 0, where the line says it.
        super_admin: Address, where the line says it.
        nodes: By index.
    """

    multi: bool
    chain: str
    block_delay: int
    service_config: str
    monitor: bool
    debug: bool
    log_level: str
    node_port: int
    timestamp: int | None
    super_admin: str
    nodes: tuple[Place, ...]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:  # its own would print a word that may be a password
        raise ValueError(message)


def parsed(text: str) -> Command:
    """Read a command line.

    Raises:
        Refused: It is none, or its lists do not fit each other; no value is repeated.
    """
    mode, words = _words(text)
    parser = _Parser(add_help=False)
    for name in (*_BOTH, *_OWN[mode], *(_LISTS if mode == _MULTI else ())):
        parser.add_argument(f"--{name}", default={**_BOTH, **_OWN[mode]}.get(name, ""))
    try:
        given, unknown = parser.parse_known_args(words)
    except ValueError:
        raise _refused("an option of it has no value, or is cut off.", "Copy the whole line again.") from None
    if older := next((each for each in (word.partition("=")[0] for word in unknown) if each in _OTHER_OPTIONS), None):
        raise _refused(*_OTHER_OPTIONS[older])
    if unknown:
        options = ", ".join(each.partition("=")[0] for each in unknown if each.startswith("--"))
        what = f"{mode} has no option {options}" if options else "a word of it belongs to no option"
        raise _refused(f"{what}.", "Copy the whole line again; a value with spaces needs quotes.")
    values: dict[str, str] = vars(given)
    nodes = _places(values) if mode == _MULTI else _peers(values)
    return Command(
        multi=mode == _MULTI,
        chain=values["chain_name"],
        block_delay=_number(values, "block_delay_number"),
        service_config=values["service_config"],
        monitor=bool(values["need_monitor"]),
        debug=bool(values["need_debug"]),
        log_level=values["log_level"],
        node_port=_number(values, "node_port") if mode == _LOCAL else 0,
        timestamp=_number(values, "timestamp") if values.get("timestamp") else None,
        super_admin=values.get("super_admin", "").strip(),
        nodes=nodes,
    )


def _words(text: str) -> tuple[str, list[str]]:
    try:
        words = shlex.split(_line(text), comments=False)
    except ValueError:
        raise _refused("a quotation mark in it is not closed.", "Copy the whole line again.") from None
    place = next((at for at, word in enumerate(words) if word in _OWN), None)
    if place is None:
        cure = f"Give the line that made the folder: create_k8s_config.py {_LOCAL}, or {_MULTI}, and its options."
        named = (re.sub(r"\.py$", "", word.rpartition("/")[2]).replace("_", "-") for word in words)
        if other := next((_OTHER_PROGRAMS[each] for each in named if each in _OTHER_PROGRAMS), ""):
            raise _refused(other, cure)
        raise _refused("it is no command of runner_k8s.", cure)
    return words[place], words[place + 1 :]


def _line(text: str) -> str:
    """The command in a text: lines that a backslash ends or a prompt begins are one, and so are lines of options."""
    whole = re.sub(r"\\[ \t]*\r?\n(?:[ \t]*>[ \t])?", " ", text)
    lines = [each.strip() for each in whole.splitlines()]
    first = next((at for at, each in enumerate(lines) if _MODE.search(each)), None)
    if first is None:
        return whole
    rest = list(takewhile(lambda each: each.startswith("-"), lines[first + 1 :]))
    return whole if _is_open(lines[first]) else " ".join([lines[first], *rest])


def _is_open(line: str) -> bool:
    """Whether a quotation mark goes on in the next line."""
    try:
        shlex.split(line)
    except ValueError:
        return True
    return False


def _peers(values: Mapping[str, str]) -> tuple[Place, ...]:
    count = _number(values, "peers_count")
    if not values["kms_password"] or not values["pvc_name"]:
        missing = "--pvc_name" if values["kms_password"] else "--kms_password"
        raise _refused(f"it has no {missing}.", f"Add {missing} as it was; a line with passwords in --command-file.")
    if count not in range(1, _NODES + 1):
        raise _refused(f"--peers_count is not between 1 and {_NODES}.", "Copy the whole line again.")
    return (Place(values["pvc_name"], values["kms_password"]),) * count


def _places(values: Mapping[str, str]) -> tuple[Place, ...]:
    lists = {name: [each.strip() for each in values[name].split(",")] if values[name] else [] for name in _LISTS}
    count = len(lists["nodes"])
    if wrong := [name for name in _LISTS if len(lists[name]) != count or not count]:
        problems = [
            Problem("", f"--{name} has {len(lists[name])} values, and --nodes {count}.", "Give one for each node.")
            for name in wrong
        ]
        raise Refused(problems, SOURCE)
    bases = [_number({"node_ports": each}, "node_ports") for each in lists["node_ports"]]
    return tuple(
        Place(
            claim=lists["pvc_names"][at],
            password=lists["kms_passwords"][at],
            host=lists["nodes"][at],
            base=bases[at],
            balancer=lists["lbs_tokens"][at],
            authority=lists["authorities"][at].lower(),
            device=lists["sync_device_ids"][at],
        )
        for at in range(count)
    )


def _number(values: Mapping[str, str], name: str) -> int:
    try:
        return int(values[name])
    except ValueError:
        raise _refused(f"--{name} is no number.", "Copy the whole line again.") from None


def _refused(message: str, cure: str) -> Refused:
    return Refused([Problem("", message, cure)], SOURCE)
