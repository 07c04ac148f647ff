"""Where a stack file's secrets come from: a file, its passphrase, or pulumi. Never an argument, never printed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from archipelago.problems import Problem, Refused
from archipelago.settings.secrecy import SEED
from archipelago.settings.stack_file import NAMESPACE, Unseal, from_file, passphrase_unsealer
from archipelago.settings.types import SEALED
from cli.engine import Failed, is_there, pulumi
from cli.stacks import StackFile

_PASSPHRASE, _PASSPHRASE_FILE = "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"
PASSPHRASE_FILES = "ARCHIPELAGO_PASSPHRASE_FILES"  # noqa: S105 - a name; more of them, for several stacks

SeedFile = Annotated[
    Path | None,
    typer.Option(
        help="File with the seed, - for standard input; without it the stack file is decrypted.",
        show_default=False,
    ),
]
SeedFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--seed-file",
        help="File with the seed, - for standard input; repeated in the order of the stacks.",
        show_default=False,
    ),
]
Opener = Callable[[Mapping[str, Any]], Unseal]


def read_seed(path: Path | None) -> str | None:
    """The text of a seed file, `-` for standard input; None where none was named."""
    if path is None:
        return None
    return (sys.stdin.read() if str(path) == "-" else path.read_text(errors="replace")).strip()


def read_seeds(paths: list[Path] | None, files: tuple[StackFile, ...]) -> tuple[str | None, ...]:
    """The seeds of several stacks, in their order.

    Raises:
        Refused: There are some, but not one for each.
    """
    if not paths:
        return (None,) * len(files)
    if len(paths) != len(files):
        names = ", ".join(file.stack for file in files)
        cure = f"Repeat --seed-file in the order of the stacks: {names}"
        raise Refused(
            [Problem("", f"{len(files)} stacks need as many seed files, not {len(paths)}.", cure)], "--seed-file"
        )
    return tuple(read_seed(path) for path in paths)


def opened(file: StackFile, seed: str | None) -> dict[str, Any]:
    """Our keys of a stack file, its secrets decrypted.

    Args:
        file: The stack file.
        seed: Stands for its identitySeed; None to decrypt that too.

    Raises:
        Refused: The file is broken, or nothing at hand opens its secrets.
    """
    config = _seeded(from_file(file.path), seed)
    if not (paths := list(sealed(config))):
        return config
    openers = [*passphrase_openers(), *([_engine_opener(file)] if is_there() else [])]
    refusal = Refused([_closed(file, path) for path in paths], file.source)
    for opener in openers:  # a passphrase in the environment may be another stack's; then pulumi may know better
        try:
            return _open(file, opener, seed)
        except Refused as refused:
            refusal = refused
    raise refusal


def opened_by_passphrase(file: StackFile, seed: str | None) -> dict[str, Any] | None:
    """As `opened`, without the engine; None where nothing at hand opens the secrets."""
    config = _seeded(from_file(file.path), seed)
    if not any(sealed(config)):
        return config
    for opener in passphrase_openers():
        with suppress(Refused):  # another organisation's passphrase
            return _open(file, opener, seed)
    return None


def passphrase_openers() -> list[Opener]:
    """What opens secrets with the passphrase that pulumi itself would use, and with those of other stacks."""
    given = os.environ.get(_PASSPHRASE)
    path = os.environ.get(_PASSPHRASE_FILE) if given is None else None
    more = os.environ.get(PASSPHRASE_FILES, "").split(os.pathsep)
    read = [_passphrase(Path(each)) for each in (path, *more) if each]
    return [passphrase_unsealer(each) for each in ([] if given is None else [given]) + read]


def _passphrase(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeError) as error:
        cure = f"Correct {_PASSPHRASE_FILE} or {PASSPHRASE_FILES}, whose paths are separated by {os.pathsep!r}."
        raise Refused([Problem("", f"the passphrase cannot be read: {error}.", cure)], str(path)) from None


def sealed(value: Any, path: str = "") -> Iterator[str]:
    """Paths of what is still sealed in a configuration."""
    if value == SEALED:
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from sealed(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from sealed(item, f"{path}[{index}]")


def _seeded(config: dict[str, Any], seed: str | None) -> dict[str, Any]:
    return config if seed is None else config | {SEED: seed}


def _open(file: StackFile, opener: Opener, seed: str | None) -> dict[str, Any]:
    try:
        return _seeded(from_file(file.path, opener), seed)
    except (ValueError, Failed) as error:
        raise Refused([Problem("", f"its secrets stay closed: {error}.", _how(file))], file.source) from None


def _closed(file: StackFile, path: str) -> Problem:
    return Problem(path, "is sealed, and nothing at hand opens it.", _how(file))


def _how(file: StackFile) -> str:
    return (
        f"Set {_PASSPHRASE} or {_PASSPHRASE_FILE}, and {PASSPHRASE_FILES} for several stacks; or, where the seed is "
        f"the only secret, add --seed-file - behind:\n  pulumi config get {NAMESPACE}:{SEED} -s {file.name} |"
    )


def _engine_opener(file: StackFile) -> Opener:
    """What opens secrets of any provider, by asking pulumi once for the whole configuration."""

    def opener(document: Mapping[str, Any]) -> Unseal:
        told = json.loads(pulumi(["config", "--show-secrets", "--json", "--stack", file.name], file.root))
        known: dict[str, str] = {}
        for key, value in document["config"].items():
            entry = told.get(key if ":" in str(key) else f"{NAMESPACE}:{key}", {})
            known.update(_pairs(value, entry.get("objectValue", entry.get("value"))))

        def unseal(text: str) -> str:
            if text not in known:
                raise ValueError("pulumi does not tell one of them")
            return known[text]

        return unseal

    return opener


def _pairs(sealed_value: Any, plain: Any) -> Iterator[tuple[str, str]]:
    """Sealed texts and what they mean, from the same configuration read twice."""
    if isinstance(sealed_value, dict) and set(sealed_value) == {"secure"}:
        yield str(sealed_value["secure"]), str(plain)
    elif isinstance(sealed_value, dict) and isinstance(plain, dict):
        for key, item in sealed_value.items():
            yield from _pairs(item, plain.get(key))
    elif isinstance(sealed_value, list) and isinstance(plain, list):
        for item, plain_item in zip(sealed_value, plain, strict=False):
            yield from _pairs(item, plain_item)
