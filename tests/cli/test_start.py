"""What a command imports before it does anything: counted, because seconds are the machine's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from cli.commands import PLACES
from cli.group import Commands, Later
from cli.main import app
from tests.stacks import seed

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
KINDS = {
    "goquorum": "Pulumi.cluster-a.yaml",
    "cita-cloud": "examples/Pulumi.cita-a.yaml",
    "ipfs": "examples/Pulumi.ipfs-a.yaml",
}
CLUSTER = {"lightkube", "httpx2", "pulumi", "grpc"}
HEAVY = CLUSTER | {"cryptography", "pydantic", "ruamel", "yaml", "eth_utils", "rlp", "trie", "h2", "google", "gmalg"}


def imported(program: str, *arguments: str) -> set[str]:
    """The modules of a new process in the end."""
    told = "import atexit, sys; atexit.register(lambda: sys.stderr.write('\\0' + '\\n'.join(sys.modules)))\n"
    done = subprocess.run(
        [sys.executable, "-c", told + program, *arguments], cwd=ROOT, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.partition("\0")[0]
    return set(done.stderr.partition("\0")[2].splitlines())


def roots(modules: set[str]) -> set[str]:
    return {each.partition(".")[0] for each in modules}


def protocols(modules: set[str]) -> set[str]:
    return {name for kind in KINDS if f"archipelago.chains.{(name := kind.replace('-', '_'))}" in modules}


def test_the_list_of_commands_imports_none_of_them() -> None:
    found = imported("from cli.main import main; main()", "--help")
    assert not roots(found) & (HEAVY | {"operate", "lab"})
    assert not {place.module for place in PLACES.values()} & found
    assert len(found) < 400


@pytest.mark.parametrize("kind", KINDS)
def test_a_stack_file_is_validated_with_its_own_protocol_and_without_a_client_of_clusters(
    kind: str, tmp_path: Path
) -> None:
    seed_file = tmp_path / "seed"
    seed_file.write_text(seed("alpha"))
    found = imported("from cli.main import main; main()", "validate", KINDS[kind], "--seed-file", str(seed_file))
    assert not roots(found) & CLUSTER
    assert protocols(found) == {kind.replace("-", "_")}
    assert len(found) < 750


@pytest.mark.parametrize("kind", KINDS)
def test_the_program_imports_the_protocol_of_its_stack_and_no_class_of_the_provider(kind: str) -> None:
    """It starts at every preview of every user; the provider's classes alone take a second and 85 MB."""
    found = imported(f"import components.program; from archipelago.chains.registry import CHAINS; CHAINS['{kind}']")
    assert protocols(found) == {kind.replace("-", "_")}
    assert not roots(found) & {"pulumi_kubernetes", "cli", "lab", "typer", "rich"}
    assert ("eth_utils" in found) is (kind == "goquorum"), "what only its genesis needs"
    assert len(found) < 1150


def test_the_list_says_what_each_command_says_of_itself() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, Commands)
    for name, later in group.commands.items():
        assert isinstance(later, Later)
        first, _, _ = later.imported.help.partition("\n\n")
        assert " ".join(first.split()) == PLACES[name].text
        assert later.imported.name == name


def test_a_command_that_is_not_there_is_told_with_the_nearest_one(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app(["validat"])
    assert ended.value.code == 2
    assert "Did you mean 'validate', 'validators'?" in " ".join(capfd.readouterr().err.split())
