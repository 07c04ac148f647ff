"""A copy of the repository's stack files, and the command line run in it."""

from __future__ import annotations

import base64
import functools
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer.testing
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from archipelago.chains.registry import CHAINS
from archipelago.stack.plan import StackPlan
from cli.main import app
from tests.cita import CITA, local
from tests.fake_network import FakeNetwork
from tests.stacks import STACKS, alpha, beta, plan_of, seed
from tests.world import World

REPOSITORY = Path(__file__).parents[2]
_SALT = b"saltsalt"
RUNNER = typer.testing.CliRunner()


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything it printed."""
        return self.out + self.err

    @property
    def json(self) -> Any:
        """Its result, parsed."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Project:
    """A folder with the two example stacks, their seeds beside it."""

    folder: Path
    seeds: Mapping[str, Path]

    def run(self, *arguments: str, given: str | None = None) -> Ran:
        """Run a command, which may be of two words, in the folder, as its arguments say."""
        command, *rest = arguments
        result = RUNNER.invoke(app, [*command.split(), *rest, "-C", str(self.folder)], input=given)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception  # a traceback is never an answer
        return Ran(result.exit_code, result.stdout, result.stderr)

    def seeded(self, command: str, stack: str, *rest: str) -> Ran:
        """Run a command about one stack with its seed."""
        return self.run(command, "-s", stack, "--seed-file", str(self.seeds[stack]), *rest)

    def edit(self, stack: str, old: str, new: str) -> None:
        """Change a stack file, which has to hold the old text."""
        path = self.folder / f"Pulumi.{stack}.yaml"
        text = path.read_text()
        assert old in text, f"{path.name} no longer says {old!r}"
        path.write_text(text.replace(old, new))

    def append(self, stack: str, text: str) -> None:
        """Add lines to a stack file's config."""
        path = self.folder / f"Pulumi.{stack}.yaml"
        path.write_text(path.read_text() + text)

    def write(self, name: str, value: Any) -> str:
        """Write a JSON file beside the stack files; its path."""
        path = self.folder / name
        path.write_text(json.dumps(value))
        return str(path)


@pytest.fixture(autouse=True)
def _nothing_at_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No passphrase and no pulumi of the machine that runs the tests; a screen of known width."""
    secret = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "ARCHIPELAGO_PASSPHRASE_FILES")
    for name in (*secret, "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    empty = tmp_path / "bin"
    empty.mkdir()
    monkeypatch.setenv("PATH", f"{empty}")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The example stacks as they are committed."""
    folder = tmp_path / "project"
    folder.mkdir()
    for stack in STACKS.values():
        if (source := REPOSITORY / f"Pulumi.{stack}.yaml").exists():
            shutil.copy(source, folder)
    seeds = {stack: tmp_path / f"{stack}.seed" for stack in STACKS.values()}
    for organisation, stack in STACKS.items():
        seeds[stack].write_text(seed(organisation) + "\n")
    return Project(folder, seeds)


@pytest.fixture
def cita(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The same folder with a CITA-Cloud stack, named cita."""
    monkeypatch.setitem(CHAINS, CITA.kind, CITA)
    config = {f"archipelago:{key}": value for key, value in local().items() if key != "identitySeed"}
    project.write("Pulumi.cita.yaml", {"config": config})
    seed_file = project.folder / "cita.seed"
    seed_file.write_text(seed("alpha"))
    return Project(project.folder, {**project.seeds, "cita": seed_file})


@pytest.fixture(scope="session")
def world() -> World:
    """Both example organisations after up, up, up: what they exported."""
    made = World(alpha=alpha(), beta=beta())
    made.up("alpha", "beta", "alpha")
    return made


@pytest.fixture(scope="session")
def secrets() -> tuple[str, ...]:
    """Every private text of both example stacks: none may appear where nobody asked for it."""
    plans = (plan_of(alpha()), plan_of(beta()))
    found = [text for plan in plans for text in _private(plan)]
    return (*found, seed("alpha"), seed("beta"))


def _private(plan: StackPlan) -> Iterator[str]:
    for node in plan.nodes:
        for name, text in node.private_files.items():
            if name == "keystore.json":
                yield json.loads(text)["crypto"]["ciphertext"]
            elif name == "tm.key":
                yield json.loads(text)["data"]["bytes"]
            else:
                yield text
    yield plan.signing_key.hex()


@functools.cache  # it takes a fifth of a second
def _key(passphrase: str) -> bytes:
    return PBKDF2HMAC(SHA256(), 32, _SALT, 1_000_000).derive(passphrase.encode())


def sealed(passphrase: str, **values: str) -> tuple[str, dict[str, str]]:
    """An encryption salt, and values as Pulumi's passphrase provider writes them."""
    key = _key(passphrase)

    def text(value: str) -> str:
        nonce = os.urandom(12)
        body = AESGCM(key).encrypt(nonce, value.encode(), None)
        return f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(body).decode()}"

    return f"v1:{base64.b64encode(_SALT).decode()}:{text('pulumi')}", {
        name: text(value) for name, value in values.items()
    }


@pytest.fixture
def pulumi(tmp_path: Path, project: Project) -> Path:
    """A stand-in for pulumi: it prints config.json or outputs.json beside it, and writes down how it was called."""
    folder = tmp_path / "bin"
    script = folder / "pulumi"
    script.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {folder}/calls\n'
        f'case "$1" in config) file={folder}/config.json ;; *) file={folder}/outputs.json ;; esac\n'
        f'[ -f "$file" ] || {{ echo "error: no stack named \'$5\' found" >&2; exit 255; }}\n'
        'while IFS= read -r line || [ -n "$line" ]; do printf "%s\\n" "$line"; done < "$file"\n'
    )
    script.chmod(0o755)
    assert project
    return folder


@dataclass(frozen=True)
class Deployed:
    """The example stacks with two nodes each, deployed on clusters that answer."""

    project: Project
    network: FakeNetwork

    def run(self, *command: str, only: str = "", given: str | None = None) -> Ran:
        """Run a command about both stacks, or about one with the other's bundle."""
        named = [organisation for organisation in self.network.clusters if organisation in (only, only or organisation)]
        arguments = list(command)
        for organisation in named:
            outputs = self.project.write(f"{organisation}.json", self.network.world.outputs[organisation])
            stack = STACKS[organisation]
            arguments += ["-s", stack, "--outputs", outputs, "--seed-file", str(self.project.seeds[stack])]
        if only:
            (other,) = set(self.network.clusters) - {only}
            path = self.project.write(f"{other}.json", self.network.world.outputs[other])
            arguments += ["--partner", f"{other}={path}"]
        return self.project.run(*arguments, given=given)


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch, project: Project) -> Deployed:
    made = FakeNetwork(privacy=True)
    clusters = {STACKS[organisation]: cluster for organisation, cluster in made.clusters.items()}
    monkeypatch.setattr("cli.running.Kubectl", lambda cluster, _namespaces: clusters[cluster.context])
    monkeypatch.setattr("time.sleep", lambda _: None)
    project.edit(
        "cluster-a", "    quorum-node1: {exposure: {ports: {p2p: 30303, tessera: 30901}}}\n", "    quorum-node1: {}\n"
    )
    project.edit("cluster-a", "    quorum-node3: {}\n", "")
    project.edit("cluster-b", "  archipelago:nodes:", "  archipelago:defaults: {validator: true}\n  archipelago:nodes:")
    return Deployed(project, made)
