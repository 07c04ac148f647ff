"""Stack files read without the engine: good words for what is broken, and the same values as the engine hands over."""

from __future__ import annotations

import base64
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from archipelago.problems import Problem, Refused
from archipelago.settings import stack_file
from archipelago.settings.stack_file import from_engine, from_file, passphrase_unsealer
from archipelago.settings.types import SEALED
from tests.stacks import alpha, settings_of
from tests.unit.vectors import vectors

pytestmark = pytest.mark.unit

ENGINE = vectors("engine")


def written(folder: Path, text: str) -> Path:
    path = folder / "Pulumi.dev.yaml"
    path.write_text(text)
    return path


def refused(folder: Path, text: str) -> Problem:
    with pytest.raises(Refused) as caught:
        from_file(written(folder, text))
    assert caught.value.source == "Pulumi.dev.yaml"
    (problem,) = caught.value.problems
    return problem


def test_broken_yaml_is_refused_with_its_line_and_a_cure(tmp_path: Path) -> None:
    text = "config:\n  organisation: alpha\n  archipelago:nodes: {quorum-node1: {}\n  archipelago:partners: {}\n"
    problem = refused(tmp_path, text)
    assert problem.message.startswith("line 4, column 3: broken YAML: ")
    assert "indentation and the brackets" in problem.cure


def test_a_tab_is_refused_with_its_line(tmp_path: Path) -> None:
    assert refused(tmp_path, "config:\n\tarchipelago:organisation: alpha\n").message.startswith(
        "line 2, column 1: broken"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("config:\n  archipelago:organisation: a\n  archipelago:organisation: b\n", 3),
        ("config:\n  archipelago:nodes:\n    node: {}\n    other: {}\n    node: {}\n", 5),
        ("config:\n  archipelago:nodes: {}\nconfig: {}\n", 3),
    ],
)
def test_a_key_that_stands_there_twice_is_refused_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    """YAML drops one of them without a word: a node less, or another seed."""
    problem = refused(tmp_path, text)
    assert problem.message.startswith(f"line {line}, column ")
    assert "the same key stands here twice" in problem.message
    assert problem.cure.startswith("Keep one of them")


def test_a_duplicate_seed_is_refused_without_printing_either(tmp_path: Path) -> None:
    text = "config:\n  archipelago:identitySeed: first-secret\n  archipelago:identitySeed: second-secret\n"
    problem = refused(tmp_path, text)
    assert "secret" not in problem.text("Pulumi.dev.yaml")
    assert "archipelago:identitySeed" in problem.message


@pytest.mark.parametrize("text", ["", "config:\n", "config: []\n", "- config\n", "encryptionsalt: v1:x\n"])
def test_a_file_without_a_configuration_is_refused(tmp_path: Path, text: str) -> None:
    assert refused(tmp_path, text).message == "it has no config section."


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_bytes(b"config:\n  a: \xff\xfe\n")
    with pytest.raises(Refused, match=r"broken YAML.*\n  Save it as UTF-8 text"):
        from_file(path)


def test_a_missing_file_is_refused_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        from_file(tmp_path / "Pulumi.cluster-x.yaml")
    assert caught.value.problems[0].cure.endswith("pulumi stack init cluster-x")


def test_bare_keys_belong_to_the_project_and_foreign_ones_to_others(tmp_path: Path) -> None:
    text = "config:\n  organisation: alpha\n  archipelago:nodes: {a: {}}\n  kubernetes:deleteUnreachable: true\n"
    assert from_file(written(tmp_path, text)) == {"organisation": "alpha", "nodes": {"a": {}}}


def test_secrets_stay_sealed_unless_asked_for_at_any_depth(tmp_path: Path) -> None:
    text = (
        "config:\n  archipelago:identitySeed:\n    secure: v1:abc:def\n"
        "  archipelago:nodes: {a: {identity: {nodekey: {secure: v1:x:y}}}}\n  archipelago:list: [{secure: z}, 1]\n"
    )
    found = from_file(written(tmp_path, text))
    assert found["identitySeed"] == SEALED
    assert found["nodes"] == {"a": {"identity": {"nodekey": SEALED}}}
    assert found["list"] == [SEALED, 1]


def test_a_sealed_file_is_valid_without_its_passphrase() -> None:
    """Pull requests are checked where nobody has it."""
    sealed = {"identitySeed": SEALED, "nodes.quorum-node1.identity": {"nodekey": SEALED, "tessera": SEALED}}
    settings_of(alpha(sealed))


def test_a_real_file_opened_with_its_passphrase_has_what_the_engine_gave_the_program(tmp_path: Path) -> None:
    """Written by Pulumi 3.259.0, secrets included. Unquoted addresses differ, and their fields take both."""
    path = written(tmp_path, ENGINE["file"])
    found = from_file(path, passphrase_unsealer(ENGINE["passphrase"]))
    given = from_engine(ENGINE["config"])
    assert found.keys() == given.keys()
    alloc = {_hex(key): int(str(value), 0) for key, value in found["network"]["genesis"].pop("alloc").items()}
    expected = {key.lower(): int(value) for key, value in given["network"]["genesis"].pop("alloc").items()}
    assert alloc == expected
    (entry,) = found["partners"]["delta"]["nodes"]
    (wanted,) = given["partners"]["delta"]["nodes"]
    assert _hex(entry.pop("Node_Acct_Addr")) == wanted.pop("Node_Acct_Addr").lower()
    assert found == given


def test_another_passphrase_opens_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack_file, "_ITERATIONS", 1)  # the right number is held by the test above
    with pytest.raises(ValueError, match="the passphrase does not open"):
        from_file(written(tmp_path, ENGINE["file"]), passphrase_unsealer("another"))


def test_a_value_sealed_in_pulumis_published_format_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack_file, "_ITERATIONS", 10)
    salt, nonce = bytes(range(8)), bytes(range(12))
    key = PBKDF2HMAC(SHA256(), 32, salt, 10).derive("päss".encode())
    sealed = AESGCM(key).encrypt(nonce, "sécret".encode(), None)
    salted, value = f"v1:{_b64(salt)}:v1:x:y", f"v1:{_b64(nonce)}:{_b64(sealed)}"
    text = f"encryptionsalt: {salted}\nconfig:\n  archipelago:identitySeed: {{secure: '{value}'}}\n"
    assert from_file(written(tmp_path, text), passphrase_unsealer("päss")) == {"identitySeed": "sécret"}


def test_a_file_of_another_secrets_provider_says_so(tmp_path: Path) -> None:
    text = "secretsprovider: awskms://alias/x\nconfig:\n  archipelago:identitySeed: {secure: 'v1:a:b'}\n"
    with pytest.raises(ValueError, match="not under a passphrase"):
        from_file(written(tmp_path, text), passphrase_unsealer("any"))


def test_only_our_namespace_is_read_and_text_that_looks_like_an_object_stays_text() -> None:
    config = {
        "archipelago:a": '{"b": [1, null]}',
        "archipelago:c": "{no json",
        "archipelago:d": "7",
        "kubernetes:e": "f",
    }
    assert from_engine(config) == {"a": {"b": [1, None]}, "c": "{no json", "d": "7"}


words = st.from_regex(r"[A-Za-z][-A-Za-z0-9_./:@ ]{0,20}", fullmatch=True).filter(lambda text: text == text.strip())
keys = st.from_regex(r"[a-z][-a-zA-Z0-9]{0,12}", fullmatch=True)
leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | words | st.just("22.10") | st.just("0x10")
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=12
)
configs = st.dictionaries(
    keys, words | st.dictionaries(keys, values, max_size=3) | st.lists(values, max_size=3), max_size=5
)


@given(configs)
def test_a_file_and_the_engine_tell_the_same_configuration(
    tmp_path_factory: pytest.TempPathFactory, config: dict[str, Any]
) -> None:
    """What `archipelago validate` accepts, `pulumi up` has to accept."""
    text = StringIO()
    YAML().dump({"config": {f"archipelago:{key}": value for key, value in config.items()}}, text)
    path = written(tmp_path_factory.mktemp("stack"), text.getvalue())
    engine = {
        f"archipelago:{key}": value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        for key, value in config.items()
    }
    assert from_file(path) == from_engine(engine) == config


def _hex(value: str | int) -> str:
    """An address as the engine hands it over; a YAML 1.2 reader takes an unquoted one for a number."""
    return f"0x{value:040x}" if isinstance(value, int) else value.lower()


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
