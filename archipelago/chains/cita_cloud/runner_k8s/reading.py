"""A folder of runner_k8s with its command line and services, read together and found to fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from archipelago.chains.cita_cloud import service_config
from archipelago.chains.cita_cloud.accounts import opened
from archipelago.chains.cita_cloud.chain_file import ChainFile
from archipelago.chains.cita_cloud.files import DATABASE, KEY_ID_FILE
from archipelago.chains.cita_cloud.runner_k8s import folder
from archipelago.chains.cita_cloud.runner_k8s.command import Command, parsed
from archipelago.chains.cita_cloud.runner_k8s.folder import GENESIS, SYSTEM, NodeFolder
from archipelago.chains.cita_cloud.services import IMAGES, usual
from archipelago.chains.takeover import Left
from archipelago.problems import Problem, Refused

_BYTES = "Put it back on every volume as it was made: all nodes have the same, and a volume is known by it."


@dataclass(frozen=True, slots=True)
class Read:
    """Everything that was read and fits.

    Args:
        left: What was there.
        command: The line.
        services: As a stack file has them, by role.
        images: Set of images.
        file: The chain.json.
        nodes: All of the chain.
        mine: Those that this stack takes.
    """

    left: Left
    command: Command
    services: Mapping[str, Mapping[str, str]]
    images: str
    file: ChainFile
    nodes: tuple[NodeFolder, ...]
    mine: tuple[NodeFolder, ...]

    @property
    def bft(self) -> bool:
        """Whether nodes sign with a node key."""
        return self.services["consensus"]["kind"] == "consensus_bft"


def read(left: Left) -> Read:
    """Read all of it.

    Raises:
        Refused: With everything that does not fit.
    """
    command = parsed(left.command)
    if command.chain != left.folder:
        words = f"the command line made the chain {command.chain!r}, and this is the folder of {left.folder!r}."
        raise Refused([Problem("", words, "Name the folder cita-cloud/<chain> of this command line.")], left.folder)
    nodes = folder.nodes_of(left.files, command)
    problems = [*folder.strangers(left.names, len(nodes)), *folder.repeated(nodes, command)]
    problems += [each for node in nodes for each in folder.shared(node, command)]
    if problems:
        raise Refused(problems, left.folder)
    try:
        services = service_config.parsed(left.named)
    except ValueError as error:
        cure = "Name the service-config.toml that the chain was made with: --service-config FILE"
        raise Refused([Problem("", f"{error}.", cure)], command.service_config) from None
    images = _images(services, nodes)
    file = _chain_file(left, command, services, images, nodes)
    mine = tuple(each for each in nodes if (each.has_keys if left.mine is None else each.index in left.mine))
    bft = services["consensus"]["kind"] == "consensus_bft"
    problems = [each for node in mine for each in folder.keys(node, file.suite, bft, list(file.validators))]
    problems += [*_without(mine, nodes, command, left.mine), *_admin(left, command, file), *_unknown(services, images)]
    if problems:
        raise Refused(problems, left.folder)
    return Read(left, command, services, images, file, nodes, mine)


def _images(services: Mapping[str, Mapping[str, str]], nodes: tuple[NodeFolder, ...]) -> str:
    """The set of images: what the tags say, else what the configuration files know, if it has all that is named."""
    tags = {each.get("image", "").rpartition(":")[2] for each in services.values()}
    if tags & {"v4.0.0", "v5.0.0"}:
        return "v5.0.0" if "v5.0.0" in tags else "v4.0.0"
    told = "v4.0.0" if folder.enables_tls(nodes) is None else "v5.0.0"
    return next((each for each in (told, *IMAGES) if not [*_unknown(services, each)]), told)


def _chain_file(
    left: Left,
    command: Command,
    services: Mapping[str, Mapping[str, str]],
    images: str,
    nodes: tuple[NodeFolder, ...],
) -> ChainFile:
    first = nodes[0]
    genesis, system = first.toml(GENESIS), first.toml(SYSTEM)
    kinds = {role: services[role]["kind"] for role in ("network", "consensus", "executor", "kms")}
    told = {key: system.get(key) for key in ("chain_id", "admin", "block_interval", "validators")}
    try:
        made = ChainFile.model_validate(
            {"name": left.folder, "images": images, **kinds, **told, "timestamp": genesis.get("timestamp")}
        )
    except ValidationError as error:
        wrong = ", ".join(sorted({str(each["loc"][0]) for each in error.errors()}))
        words = f"{GENESIS} and {SYSTEM} of {first.name} do not give {wrong}."
        raise Refused(
            [Problem("", words, "Copy the folder again from the node's volume, whole.")], left.folder
        ) from None
    problems = [
        node.problem(name, "it is not, byte for byte, what runner_k8s writes for this chain.", _BYTES)
        for node in nodes
        for name, text in made.node_files().items()
        if node.files[name] != text.encode()
    ]
    problems += _contradictions(command, made)
    if problems:
        raise Refused(problems, left.folder)
    return made


def _contradictions(command: Command, made: ChainFile) -> Iterator[Problem]:
    """Where the command line made another chain than the files say."""
    authorities = [each.authority for each in command.nodes]
    pairs = {
        "--timestamp": (command.timestamp, made.timestamp),
        "--super_admin": (command.super_admin.lower() or None, made.admin),
        "--authorities": (authorities if command.multi else None, list(made.validators)),
    }
    for option, (said, there) in pairs.items():
        if said is not None and said != there:
            yield Problem("", f"{option} is not what {GENESIS} and {SYSTEM} say.", f"There it is {there}.")
    if made.twice:
        yield Problem("", f"{SYSTEM}: the validator {made.twice} stands there twice.", "Two nodes cannot share a key.")
    if len(made.validators) != len(command.nodes):
        words = f"{SYSTEM} has {len(made.validators)} validators, and the command line {len(command.nodes)} nodes."
        yield Problem("", words, "Give the line that made the folder.")


def _without(
    mine: tuple[NodeFolder, ...], nodes: tuple[NodeFolder, ...], command: Command, asked: tuple[int, ...] | None
) -> Iterator[Problem]:
    if unknown := sorted(set(asked or ()) - {each.index for each in nodes}):
        yield Problem("", f"there is no node{unknown[0]}.", f"The indices are 0 to {len(nodes) - 1}.")
    if not command.multi and len(mine) < len(nodes):
        absent = ", ".join(each.name for each in nodes if each not in mine)
        yield Problem(
            "", f"{absent}: there is no account.", "With local_cluster all nodes are in one cluster: bring all."
        )
    elif not mine:
        cure = "Copy kms.db, key_id, node_address, cert.pem and key.pem of your nodes into their folders first."
        yield Problem("", "it has the keys of no node.", cure)


def _admin(left: Left, command: Command, file: ChainFile) -> Iterator[Problem]:
    """The super admin's account, which local_cluster left beside the nodes."""
    raw = left.files.get(DATABASE)
    if raw is None or command.multi:
        return
    number = left.files.get(KEY_ID_FILE, b"").decode(errors="replace").strip()
    try:
        suite, key = opened(raw, command.nodes[0].password, int(number) if number.isdigit() else 0)
    except ValueError as error:
        yield Problem("", f"{DATABASE} of the super admin: {error}.", "Copy it again, or give the right password.")
        return
    if suite.address(key) != file.admin:
        words = f"{DATABASE} of the super admin: its account is {suite.address(key)}, and the admin {file.admin}."
        yield Problem("", words, "The command ran twice in this folder: bring back what it was before.")


def _unknown(services: Mapping[str, Mapping[str, str]], images: str) -> Iterator[Problem]:
    for role, service in services.items():
        if not service.get("image") and not usual(images, role, service["kind"]).image:
            words = f"service-config.toml: there is no {service['kind']} in the set of images {images}."
            cure = f"Write the tag that the chain runs into docker_image: citacloud/{service['kind']}:<tag>"
            yield Problem("", words, cure)
