"""Private keys stay where they belong: in Secrets, and encrypted in the state."""

from __future__ import annotations

import base64
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from archipelago.identity.derive import Keyring
from lab.workspace import Stack
from tests.again import again_and_again
from tests.engine.organisations import Consortium
from tests.stacks import GONE, ONE_NODE, alpha, beta, plan_of, seed

pytestmark = pytest.mark.engine


def private_values(config: dict[str, object]) -> set[str]:
    """Everything that would give a key away, in every spelling it has on its way: hex, base64, files in base64."""
    plan = plan_of(config, {"alpha": None, "beta": None})
    raw = [bytes.fromhex(str(config["identitySeed"])), plan.signing_key]
    raw.append(Keyring(raw[0], str(config["organisation"]), plan.network).secret("", "organisation signing key"))
    found = {text for each in raw for text in (each.hex(), base64.b64encode(each).decode())}
    for node in plan.nodes:
        for content in node.private_files.values():
            found |= {content, base64.b64encode(content.encode()).decode(), json.dumps(content)[1:-1]}
        found.add(json.loads(node.private_files["tm.key"])["data"]["bytes"])
        found.add(json.loads(node.private_files["keystore.json"])["crypto"]["ciphertext"])
        found.add(base64.b64encode(bytes.fromhex(node.private_files["nodekey"])).decode())
    return found


@contextmanager
def command_lines() -> Iterator[set[str]]:
    """The argument list of every process while something runs; one that is a second old keeps its own."""
    seen: set[str] = set()
    looks: Counter[str] = Counter()

    def look() -> None:
        nonlocal looks
        there = {each.name for each in os.scandir("/proc") if each.name.isdecimal()}
        looks = Counter({process: looks[process] + 1 for process in there})
        for process in (each for each in there if looks[each] <= 50):
            with suppress(OSError):  # it has ended
                seen.add(Path("/proc", process, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))

    with again_and_again(look, every=0.02):
        yield seen


def written_by(stack: Stack) -> Iterator[tuple[str, str]]:
    """Everything the engine leaves on disk: the events, the stack file, the state and its history."""
    backend = Path(urlsplit(stack.environment["PULUMI_BACKEND_URL"]).path)
    for folder in (stack.folder, backend):
        for path in folder.rglob("*"):
            if path.is_file():
                yield str(path), path.read_text(errors="replace")


def test_private_keys_appear_nowhere_but_in_secrets(consortium: Consortium, space: str) -> None:
    founder = {"cluster.namespace": space, "identitySeed": seed(f"a {space}"), **ONE_NODE}
    joiner = {"cluster.namespace": space, "identitySeed": seed(f"b {space}"), "nodes.quorum-node2": GONE}
    configs = [alpha(founder), beta(joiner)]
    secrets = {value for config in configs for value in private_values(config)}
    a = consortium.stack("cluster-a", configs[0], "a")
    b = consortium.stack("cluster-b", configs[1], "b")
    with command_lines() as arguments:
        # --show-sames and --diff print all that the engine would ever print
        runs = [a.preview(), a.up(), b.up(), a.up()]
        runs += [stack.run("preview", "--diff", "--show-sames") for stack in (a, b)]
        runs += [stack.run("stack", "output", "--json") for stack in (a, b)]
    texts = [(" ".join(run.command), run.expect().text) for run in runs]
    texts += [("arguments", each) for each in arguments]
    texts += [each for stack in (a, b) for each in written_by(stack)]
    for cluster in "ab":
        for (kind, name), found in consortium.objects(cluster, space).items():
            if kind != "Secret":
                texts.append((f"{kind} {name}", json.dumps(found.to_dict())))
    leaks = {place for place, text in texts for secret in secrets if secret in text}
    assert leaks == set()
    assert any("pulumi" in each for each in arguments), "the watcher has seen nothing"
    held = consortium.objects("a", space)["Secret", "consortium-quorum-node1-identity"].data
    assert set(held.values()) <= secrets, "what is looked for is not what the Secrets hold"
