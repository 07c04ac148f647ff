"""`Pulumi.<stack>.yaml` without the engine: good words for broken YAML, and secrets left sealed unless asked for."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from archipelago.problems import Problem, Refused
from archipelago.settings import yaml_reader
from archipelago.settings.types import SEALED

NAMESPACE = "archipelago"
_PROVIDER = {f"kubernetes:{name}": name for name in ("context", "kubeconfig", "namespace")}
_PROVIDER["kubernetes:cluster"] = "context"
_SALT_BYTES = 8
_ITERATIONS = 1_000_000
Unseal = Callable[[str], str]


def from_engine(config: Mapping[str, str]) -> dict[str, Any]:
    """Our keys of the configuration the engine hands to a program: text, objects as JSON.

    Args:
        config: All keys, as `archipelago:network`.
    """
    ours = {
        key.removeprefix(f"{NAMESPACE}:"): value for key, value in config.items() if key.startswith(f"{NAMESPACE}:")
    }
    return {key: _decoded(value) for key, value in ours.items()}


def _decoded(value: str) -> Any:
    if value[:1] not in "{[":
        return value
    try:
        return json.loads(value)
    except (json.JSONDecodeError, RecursionError):
        return value  # it only looked like an object; the field's type will say so


def from_file(path: Path, unseal: Callable[[Mapping[str, Any]], Unseal] | None = None) -> dict[str, Any]:
    """Our keys of a stack file.

    Args:
        path: The file.
        unseal: Given the whole file, gives what decrypts one value; None leaves `[secure]` in their place.

    Raises:
        Refused: No such file, broken YAML, a key twice, no configuration.
    """
    document = _parsed(path)
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        cure = "Start it with config: and the keys of docs/stack-files.md, or run pulumi stack init."
        raise Refused([Problem("", "it has no config section.", cure)], path.name)
    opened = unseal(document) if unseal else lambda _: SEALED
    if problems := list(provider_keys(map(str, config))):
        raise Refused(problems, path.name)
    ours = _projects(path.parent / "Pulumi.yaml")
    for key, value in config.items():
        namespace, _, name = str(key).rpartition(":")
        if namespace in ("", NAMESPACE):  # a bare key belongs to the project, as for the engine
            ours[name] = _opened(value, opened)
    return ours


def provider_keys(keys: Iterable[str]) -> Iterator[Problem]:
    """Keys of Pulumi's own Kubernetes provider, which this program does not use: nodes would run in another cluster.

    Args:
        keys: Of the configuration, as `kubernetes:context`.
    """
    for key in sorted(set(keys) & _PROVIDER.keys()):
        name = key.partition(":")[2]
        cure = f"Write it as archipelago:cluster.{_PROVIDER[key]}, and take this one out: pulumi config rm {key}"
        yield Problem(key, f"the stack's own provider does not read kubernetes:{name}.", cure)


def _projects(path: Path) -> dict[str, Any]:
    """Our keys of the section `config` of Pulumi.yaml: values that all stacks share, which a stack file overrides."""
    document = _parsed(path) if path.is_file() else None
    config = document.get("config") if isinstance(document, dict) else None
    found: dict[str, Any] = {}
    for key, value in config.items() if isinstance(config, dict) else ():
        namespace, _, name = str(key).rpartition(":")
        if namespace not in ("", NAMESPACE):
            continue
        given = [value[word] for word in ("value", "default") if isinstance(value, dict) and word in value]
        if given or not isinstance(value, dict):
            found[name] = given[0] if given else value
    return found


def _parsed(path: Path) -> Any:
    try:
        return yaml_reader.load(path.read_text())
    except FileNotFoundError:
        cure = f"Name a stack file that is there, or make one: pulumi stack init {path.stem.removeprefix('Pulumi.')}"
        raise Refused([Problem("", "there is no such file.", cure)], str(path)) from None
    except DuplicateKeyError as error:
        raise Refused(
            [_marked(error, "the same key stands here twice", "Keep one of them: YAML would silently drop the other.")],
            path.name,
        ) from None
    except MarkedYAMLError as error:
        cure = "Look at the indentation and the brackets just before this place."
        raise Refused([_marked(error, f"broken YAML: {error.problem}", cure)], path.name) from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise Refused([Problem("", f"broken YAML: {error}.", "Save it as UTF-8 text.")], path.name) from None


def _marked(error: MarkedYAMLError, message: str, cure: str) -> Problem:
    mark = error.problem_mark
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    # ruamel's own words on a duplicate repeat both values, which may be seeds
    key = re.match(r'found duplicate key "([^"]*)"', str(error.problem))
    return Problem("", f"{place}{message}{f' ({key[1]})' if key else ''}.", cure)


def _opened(value: Any, unseal: Unseal) -> Any:
    if isinstance(value, dict):
        if set(value) == {"secure"}:
            return unseal(str(value["secure"]))
        return {key: _opened(item, unseal) for key, item in value.items()}
    return [_opened(item, unseal) for item in value] if isinstance(value, list) else value


def passphrase_unsealer(passphrase: str) -> Callable[[Mapping[str, Any]], Unseal]:
    """What opens secrets of Pulumi's passphrase provider: AES-256-GCM under PBKDF2-SHA256.

    The format is that of `encryptionsalt: v1:<salt>:v1:<nonce>:<check>` (pulumi, pkg/secrets/passphrase).
    """

    def opener(document: Mapping[str, Any]) -> Unseal:
        parts = str(document.get("encryptionsalt", "")).split(":")
        if len(parts) < 2:  # noqa: PLR2004 - v1 and the salt
            raise ValueError("the stack file has no encryptionsalt: its secrets are not under a passphrase")
        salt = base64.b64decode(parts[1])
        key = _key(passphrase, salt[:_SALT_BYTES], _ITERATIONS)

        def unseal(sealed: str) -> str:
            try:
                _, nonce, body = sealed.split(":")
                return AESGCM(key).decrypt(base64.b64decode(nonce), base64.b64decode(body), None).decode()
            except InvalidTag:
                raise ValueError("the passphrase does not open this stack file's secrets") from None
            except ValueError:
                raise ValueError("a secret in it was cut off, or comes from another secrets provider") from None

        return unseal

    return opener


@lru_cache(maxsize=64)  # it takes a fifth of a second, and a command reads a file more than once
def _key(passphrase: str, salt: bytes, iterations: int) -> bytes:
    return PBKDF2HMAC(SHA256(), 32, salt, iterations).derive(passphrase.encode())
