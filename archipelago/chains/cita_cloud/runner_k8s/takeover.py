"""A chain that runner_k8s made, as settings that go on with it: same keys, same genesis, same ports, same volumes."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ruamel.yaml.error import YAMLError

from archipelago.chains.cita_cloud.accounts import KEY_ID
from archipelago.chains.cita_cloud.chain_file import NAME
from archipelago.chains.cita_cloud.files import DATABASE
from archipelago.chains.cita_cloud.identity import NODE_KEY
from archipelago.chains.cita_cloud.runner_k8s import folder
from archipelago.chains.cita_cloud.runner_k8s.command import parsed
from archipelago.chains.cita_cloud.runner_k8s.folder import NodeFolder
from archipelago.chains.cita_cloud.runner_k8s.reading import Read, read
from archipelago.chains.cita_cloud.services import KEY_FILE, usual
from archipelago.chains.cita_cloud.shell_command import TIKV, endpoints, joined, without_endpoints
from archipelago.chains.takeover import Left, Takeover
from archipelago.settings.yaml_reader import load_all

_OTHERS = "others"  # the partner that has the nodes of other stacks
_HEX_KEY = re.compile(r"0x[0-9a-fA-F]{64}")


class RunnerK8s:
    """The importer of `cita-cloud/<chain>`."""

    wanted = folder.WANTED

    def named(self, command: str) -> str:
        """Path of the service-config.toml."""
        return parsed(command).service_config

    def manifests(self, folder: str) -> tuple[str, ...]:
        """The objects of one cluster, or of one node."""
        return f"{folder}.yaml", f"{folder}-*.yaml"

    def take_over(self, left: Left) -> Takeover:
        """Make settings of it."""
        chain = read(left)
        return Takeover(_config(chain), dict(_secrets(chain)), NAME, chain.file.text, tuple(_notes(chain)))


def _config(chain: Read) -> dict[str, Any]:
    command, file = chain.command, chain.file
    founder: dict[str, Any] = {"founder": True} if chain.nodes[0] in chain.mine else {"joins": _OTHERS}
    network: dict[str, Any] = {
        "kind": file.kind,
        "name": file.name,
        **founder,
        "genesisFile": NAME,
        "images": chain.images,
        "services": {role: _service(chain.images, role, each) for role, each in chain.services.items()},
        "superAdmin": file.admin,
        "blockDelay": command.block_delay,
        "logLevel": command.log_level,
        "monitor": command.monitor,
        "debug": command.debug,
    }
    if (tls := folder.enables_tls(chain.nodes)) is not None:
        network["enableTls"] = tls
    exposure: dict[str, Any] = {"type": "LoadBalancer" if command.multi else "ClusterIP"}
    if not command.multi:
        network["portBase"] = command.node_port
    config: dict[str, Any] = {
        "organisation": chain.left.organisation,
        "cluster": {"namespace": "default", "createNamespace": False},
        "network": network,
        "defaults": {"exposure": exposure},
        "nodes": {node.name: _node(chain, node) for node in chain.mine},
    }
    if others := [_pasted(chain, node) for node in chain.nodes if node not in chain.mine]:
        config["partners"] = {_OTHERS: {"nodes": others}}
    return config


def _service(images: str, role: str, given: Mapping[str, str]) -> str | dict[str, str]:
    """An implementation by its name alone, where the rest is as usual."""
    expected = usual(images, role, given["kind"])
    command = without_endpoints(joined(given["command"]))
    more = {"image": given["image"]} if given.get("image", expected.image) != expected.image else {}
    more |= {"command": command} if command != expected.command else {}
    return {"kind": given["kind"], **more} if more else given["kind"]


def _node(chain: Read, node: NodeFolder) -> dict[str, Any]:
    place = node.place
    identity: dict[str, Any] = {"certificate": node.text(folder.CERT) + "\n"}
    if not chain.bft and folder.key_id(node) != KEY_ID:
        identity["keyId"] = folder.key_id(node)
    settings: dict[str, Any] = {"index": node.index, "storage": {"claim": place.claim}, "identity": identity}
    if chain.command.multi:
        balanced = {"provider": "aliyun", "loadBalancer": place.balancer} if place.balancer else {}
        settings |= {"portBase": place.base, "exposure": {"host": place.host, **balanced}}
    storage = chain.services["storage"]
    if storage["kind"] == TIKV and (drivers := endpoints(joined(storage["command"]))):
        settings["pdEndpoints"] = list(drivers)
    return settings


def _pasted(chain: Read, node: NodeFolder) -> dict[str, Any]:
    return {
        "name": node.name,
        "index": node.index,
        "address": chain.file.validators[node.index],
        "deviceId": node.place.device,
        "host": node.place.host,
        "portBase": node.place.base,
    }


def _secrets(chain: Read) -> Iterator[tuple[str, str]]:
    sessions = _network_keys(chain)
    for node in chain.mine:
        path = f"nodes.{node.name}"
        yield f"{path}.kmsPassword", node.place.password.rstrip()
        if chain.bft:
            yield f"{path}.identity.nodeKey", node.text(NODE_KEY)
        else:
            yield f"{path}.identity.kmsDb", base64.b64encode(node.files[DATABASE]).decode()
        yield f"{path}.identity.certificateKey", node.text(folder.CERT_KEY) + "\n"
        if node.index in sessions:
            yield f"{path}.identity.networkKey", sessions[node.index]


def _network_keys(chain: Read) -> dict[int, str]:
    """The keys of network_p2p by index, which stand in Secrets only; those that are not there are derived anew."""
    found = {}
    for text in chain.left.manifests:
        try:
            documents = [each for each in load_all(text) if isinstance(each, dict)]
        except YAMLError:
            continue
        data = {(each.get("metadata") or {}).get("name"): each.get("data") for each in documents}
        for node in chain.nodes:
            for name in (f"node{node.index}-network-secret", f"{chain.file.name}-{node.index}-network-secret"):
                key = _decoded((data.get(name) or {}).get("network-key"))
                if _HEX_KEY.fullmatch(key):
                    found[node.index] = key
    return found


def _running(chain: Read) -> Iterator[str]:
    """What runs of the original, and its Services, whose names are the same here; its Secrets hold keys, and stay."""
    name, command = chain.file.name, chain.command
    stems = [f"{name}-{node.index}" for node in chain.mine]
    yield from (f"deployment/{stem}" for stem in stems)
    if command.multi:
        yield from (f"service/all-{stem}" for stem in stems)
        return
    yield f"service/{name}-node-port"
    for before in ("", "executor-", *(("monitor-",) if command.monitor else ())):
        yield from (f"service/{before}{stem}" for stem in stems)


def _untagged(chain: Read) -> Iterator[tuple[str, Mapping[str, str]]]:
    return ((role, each) for role, each in chain.services.items() if not each.get("image"))


def _decoded(text: object) -> str:
    try:
        return base64.b64decode(str(text), validate=True).decode().strip()
    except ValueError:
        return ""


def _notes(chain: Read) -> Iterator[str]:
    if untagged := [usual(chain.images, role, each["kind"]).image for role, each in _untagged(chain)]:
        yield (
            f"images without a tag were the latest of their time; here they are those of {chain.images}: "
            f"{', '.join(untagged)}"
        )
    yield (
        f"before pulumi up: kubectl delete {' '.join(_running(chain))} (two pods with one account must never run; "
        "volumes stay, and so do the Secrets)"
    )
    if DATABASE in chain.left.files:
        yield f"the super admin {chain.file.admin} stays in this folder: keep its kms.db and password"
    if plain := sorted(path for path in chain.left.files if path.rpartition("/")[2] == KEY_FILE):
        yield f"{', '.join(plain)} holds a password in plain text that a failed run left: no node reads it"
    absent = [node.name for node in chain.mine if node.index not in _network_keys(chain)]
    if absent and chain.services["network"]["kind"] == "network_p2p":
        yield f"the network keys of {', '.join(absent)} are derived anew: they name sessions, and nobody pins them"
