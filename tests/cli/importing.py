"""A folder of runner_k8s, and `archipelago import-runner-k8s` run on it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from archipelago.settings.stack_file import from_file
from archipelago.stack.plan import StackPlan
from cli.main import app
from tests import cita as cita_stacks
from tests.cli.conftest import RUNNER, Ran
from tests.runner_k8s import Chain
from tests.stacks import seed

LOCAL = Chain()
MULTI = Chain(multi=True, passwords=("first one", "second one", "third one"))
BFT = Chain(bft=True)
ETH = Chain(kind="eth", passwords=("of eth kind",) * 3)


class Import:
    """A folder, and the command run on it."""

    def __init__(self, root: Path, chain: Chain) -> None:
        self.root, self.chain, self.out = root, chain, root / "project"
        self.folder = chain.write(root)
        self.command = chain.command

    def run(self, *options: str) -> Ran:
        """Run it with its command line in a file."""
        line = self.root / "made.txt"
        line.write_text(self.command)
        words = ["import-runner-k8s", str(self.folder), "--organisation", "alpha", "--command-file", str(line)]
        result = RUNNER.invoke(app, [*words, *options])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    def secrets(self, stack: str = "test-chain") -> dict[str, str]:
        """The secrets that were written, by path."""
        folder = self.out / f"secrets-{stack}"
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
        return {path.name: path.read_text() for path in folder.iterdir()}

    def config(self, stack: str = "test-chain") -> dict[str, Any]:
        """The stack file, with its secrets in place as pulumi would put them."""
        config = from_file(self.out / f"Pulumi.{stack}.yaml") | {"identitySeed": seed("alpha")}
        for path, text in self.secrets(stack).items():
            place = config
            *steps, last = path.split(".")
            for step in steps:
                place = place[step]
            place[last] = text.removesuffix("\n")
        return config

    def plan(self, stack: str = "test-chain") -> StackPlan:
        """What the stack would run."""
        return cita_stacks.plan_of(self.config(stack), root=self.out)


def leaks(given: Import, said: str) -> list[str]:
    """Private texts of the folder that were printed."""
    private = list(given.chain.passwords)
    for name in ("kms.db", "node_key", "config/key.pem"):
        for path in given.folder.glob(f"node*/{name}"):
            raw = path.read_bytes()
            private += [base64.b64encode(raw).decode()[:40]] if name == "kms.db" else [raw.decode().strip()[-40:]]
    return [text for text in private if text in said]
