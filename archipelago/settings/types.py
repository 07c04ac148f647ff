"""Field types of a stack file; each refuses with what to type instead."""

from __future__ import annotations

import ipaddress
import re
from decimal import Decimal
from typing import Annotated, Any, Never, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from archipelago.identity.derive import SECP256K1_ORDER
from archipelago.identity.secp256k1 import checksummed
from archipelago.model.endpoint import NODE_PORTS

_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_VERSION = re.compile(r"\d+(\.\d+){1,2}")
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|[MGTPE]|[KMGTPE]i)?")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_HEX_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_AGAIN = "Set it again, from the node's own file, with pulumi config set --secret --path."
_LARGEST_QUANTITY = 2**63  # Kubernetes caps what is larger
_LEAST_BYTES = 10**6  # nothing of ours runs in less: a unit is missing
_LARGEST_PORT = 65535
_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")
DEFAULT_NODE_PORTS = f"{NODE_PORTS.start}-{NODE_PORTS.stop - 1}"
_LABEL_LENGTH = 40  # with another label and a suffix it still names a Service
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_NAMESPACE_LENGTH = 63
_LABEL_KEY = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_OBJECT = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST_NAME = 253
_PATH = re.compile(r"(/[^/\x00-\x1f]+)+/?")
_MACHINE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_SCALES: dict[str, int | Decimal] = {"": 1, "m": Decimal("0.001"), "k": 10**3}
_SCALES |= {unit: 10 ** (3 * power) for power, unit in enumerate("MGTPE", start=2)}
_SCALES |= {f"{unit}i": 2 ** (10 * power) for power, unit in enumerate("KMGTPE", start=1)}

Location = tuple[int | str, ...]  # where a value stands, step by step
Value = TypeVar("Value")
SEALED = "[secure]"  # stands for a secret that was not decrypted: `archipelago validate` needs no passphrase


class Strict(BaseModel):
    """A mapping in a stack file: camel case, frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=False)


def fault(message: str, cure: str) -> PydanticCustomError:
    """What a validator raises: what is wrong, and what to type."""
    return PydanticCustomError("archipelago", "{message}", {"message": message, "cure": cure})


def _label(text: str) -> str:
    if not _LABEL.fullmatch(text) or len(text) > _LABEL_LENGTH:
        raise fault(
            f"{text!r} is no DNS label",
            f"Use lower-case letters, digits and '-', a letter first, at most {_LABEL_LENGTH} characters; Kubernetes "
            "objects are named after it.",
        )
    return text


def _namespace(text: str) -> str:
    if not _NAMESPACE.fullmatch(text) or len(text) > _NAMESPACE_LENGTH:
        cure = f"Use lower-case letters, digits and '-', at most {_NAMESPACE_LENGTH} characters."
        raise fault(f"{text!r} is no name of a Kubernetes namespace", cure)
    return text


def _named(text: str) -> str:
    if not _OBJECT.fullmatch(text) or len(text) > _LONGEST_NAME:
        cure = f"Use lower-case letters, digits, '-' and '.', at most {_LONGEST_NAME} characters, as kubectl shows it."
        raise fault(f"{text!r} is no name of a Kubernetes object", cure)
    return text


def _version(value: Any) -> Any:
    if not isinstance(value, str):
        raise fault(
            f"{value} is a number, and YAML reads 22.10 as 22.1",
            'Write the whole version in quotes, as in version: "22.7.4".',
        )
    if not _VERSION.fullmatch(value):
        raise fault(f"{value!r} is no version", 'Write a release as "22.7.4", without a v and never latest.')
    return value


def quantity(text: str) -> Decimal:
    """The size of a Kubernetes quantity that `Quantity` has accepted."""
    match = _QUANTITY.fullmatch(text)
    assert match  # noqa: S101 - the type of the field has seen to it
    return Decimal(match[1]) * _SCALES[match[2] or ""]


def texts(value: Any) -> Any:
    """What stands in a mapping of texts: YAML reads true and 42 as none, and Kubernetes has nothing else there."""
    if not isinstance(value, dict):
        return value
    return {key: text_of(each) for key, each in value.items()}


def text_of(value: Any) -> Any:
    """A boolean or a whole number as the text that is meant."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else value


def _number(value: Any) -> Any:
    """A number where a quantity is meant: `pulumi config set --path` writes 2 for "2"."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return format(Decimal(repr(value)), "f")


def _quantity(text: str) -> str:
    if not _QUANTITY.fullmatch(text):
        raise fault(f"{text!r} is no Kubernetes quantity", "Write a size as 20Gi, a CPU share as 500m.")
    if quantity(text) >= _LARGEST_QUANTITY:
        raise fault(f"{text} is too large: a quantity must be below 2^63", "Write a size as 20Gi, a CPU share as 500m.")
    return text


def _cpu(text: str) -> str:
    if text.endswith(("k", "M", "G", "T", "P", "E", "i")):
        raise fault(f"a CPU share must be in cores or thousandths of one, got {text}", "Write 500m for half a core.")
    if quantity(text) * 1000 % 1:
        raise fault(f"a CPU share must be a whole number of thousandths, got {text}", "Write 500m for half a core.")
    return text


def _bytes(text: str) -> str:
    if text.endswith("m"):
        cure = f"Write {text[:-1]}Mi for mebibytes: m stands for thousandths, as of a CPU."
        raise fault(f"memory and sizes must be in bytes, got {text}, which is {quantity(text)} of one", cure)
    if quantity(text) % 1:
        raise fault(f"memory and sizes must be whole bytes, got {text}", "Write a size as 20Gi.")
    if 0 < quantity(text) < _LEAST_BYTES:
        words = f"memory and sizes must be at least 1M, got {text}, which is {quantity(text):f} bytes"
        raise fault(words, "Write the unit, as 512Mi or 20Gi.")
    return text


def _some(text: str) -> str:
    if not quantity(text):
        raise fault(f"a size must be above zero, got {text}", "Write a size as 20Gi.")
    return text


def _node_ports(text: str) -> str:
    match = _RANGE.fullmatch(text)
    if not match or not 1 <= int(match[1]) <= int(match[2]) <= _LARGEST_PORT:
        cure = f"Write it as {DEFAULT_NODE_PORTS}: what the API server has as --service-node-port-range."
        raise fault(f"{text!r} is no range of ports", cure)
    return text


def _address(value: Any) -> Any:
    if isinstance(value, int):  # YAML 1.2 reads an unquoted 0x… as a number
        value = f"0x{value:040x}"
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise fault(f"{value!r} is no account address", "Write 0x and 40 hex characters, in quotes.")
    mixed = value[2:] not in (value[2:].lower(), value[2:].upper())
    if mixed and checksummed(value) != value:
        raise fault(f"{value} has a wrong EIP-55 checksum", "A character is wrong: copy the address again.")
    return checksummed(value)


def _private_key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().strip()
    if text != SEALED and not _HEX_KEY.fullmatch(text):
        raise fault("this key has not 64 hex characters", "Set it with pulumi config set --secret --path, from a file.")
    if text != SEALED and not any(key_bytes(value)):
        raise fault("this key is zero: no program made it", _AGAIN)
    return value


def _curve_key(value: SecretStr) -> SecretStr:
    if value.get_secret_value().strip() != SEALED and not int.from_bytes(key_bytes(value)) < SECP256K1_ORDER:
        raise fault("this key must be below the order of secp256k1", _AGAIN)
    return value


def key_bytes(key: SecretStr) -> bytes:
    """The 32 bytes of a `PrivateKey`."""
    return bytes.fromhex(key.get_secret_value().strip().removeprefix("0x"))


def _hash(value: Any) -> Any:
    if isinstance(value, int):  # as for an address; the engine keeps it as text
        value = f"0x{value:064x}"
    if not isinstance(value, str) or not re.fullmatch(r"0x[0-9a-fA-F]{64}", value):
        raise fault(f"{value!r} is no block hash", "Write 0x and 64 hex characters, in quotes.")
    return value.lower()


def _cidr(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        cure = "Write the network's first address and its length, as 198.51.100.0/24; one address as 198.51.100.7/32."
        raise fault(f"{text!r} is no address range: {error}", cure) from None


def _directory(text: str) -> str:
    if not _PATH.fullmatch(text) or {".", ".."} & set(text.split("/")):
        raise fault(f"{text!r} is no directory", "Write its absolute path, without . and .., as /srv/chain/node0.")
    return text.rstrip("/")


def _machine(text: str) -> str:
    if not _MACHINE.fullmatch(text):
        cure = "Name one: kubectl get nodes -L kubernetes.io/hostname shows them in the last column."
        raise fault(f"{text!r} is no machine of a cluster", cure)
    return text


def _pod_labels(labels: dict[str, str]) -> dict[str, str]:
    for name, value in labels.items():
        if not _LABEL_KEY.fullmatch(name) or not _LABEL_VALUE.fullmatch(value):
            raise fault(f"{name}: {value} is no label", "kubectl get pods --show-labels tells what the pods carry.")
    return labels


def _unwritten(value: Any) -> Never:  # noqa: ARG001 - whatever it says
    raise PydanticCustomError("extra_forbidden", "the key follows from others")


# A field that follows from others: no key of the stack file, so that whoever writes it meets an unknown key.
Unwritten = Annotated[SkipJsonSchema[Value], BeforeValidator(_unwritten), Field(exclude=True)]
Label = Annotated[
    str,
    AfterValidator(_label),
    WithJsonSchema({"type": "string", "pattern": f"^{_LABEL.pattern}$", "maxLength": _LABEL_LENGTH}),
]
NamespaceName = Annotated[
    str,
    AfterValidator(_namespace),
    WithJsonSchema({"type": "string", "pattern": f"^{_NAMESPACE.pattern}$", "maxLength": _NAMESPACE_LENGTH}),
]
ObjectName = Annotated[
    str, AfterValidator(_named), WithJsonSchema({"type": "string", "pattern": f"^{_OBJECT.pattern}$"})
]
NoneOrName = Annotated[
    str,
    AfterValidator(lambda text: text and _named(text)),
    WithJsonSchema({"type": "string", "pattern": f"^({_OBJECT.pattern})?$"}),
]
Version = Annotated[
    str, BeforeValidator(_version), WithJsonSchema({"type": "string", "pattern": f"^{_VERSION.pattern}$"})
]
TEXTS = {"type": "object", "additionalProperties": {"not": {"type": ["object", "array", "null"]}}}
Texts = Annotated[dict[str, str], BeforeValidator(texts), WithJsonSchema(TEXTS)]
Cpu = Annotated[
    str,
    BeforeValidator(_number),
    AfterValidator(_quantity),
    AfterValidator(_cpu),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?m?$"}, {"type": "number", "minimum": 0}]}),
]
Memory = Annotated[
    str,
    BeforeValidator(_number),
    AfterValidator(_quantity),
    AfterValidator(_bytes),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^\d+(\.\d+)?(k|[MGTPE]|[KMGTPE]i)?$"},
                {"type": "number", "minimum": _LEAST_BYTES},
            ]
        }
    ),
]
Size = Annotated[Memory, AfterValidator(_some)]
# within the cluster's range, which `cluster.nodePorts` says: `checks.settings` asks
NodePort = Annotated[int, Field(ge=1, le=_LARGEST_PORT)]
NodePorts = Annotated[
    str, AfterValidator(_node_ports), WithJsonSchema({"type": "string", "pattern": f"^{_RANGE.pattern}$"})
]
Address = Annotated[
    str, BeforeValidator(_address), WithJsonSchema({"type": "string", "pattern": f"^{_ADDRESS.pattern}$"})
]
PrivateKey = Annotated[SecretStr, AfterValidator(_private_key)]
CurveKey = Annotated[PrivateKey, AfterValidator(_curve_key)]  # of secp256k1
BlockHash = Annotated[str, BeforeValidator(_hash), WithJsonSchema({"type": "string", "pattern": "^0x[0-9a-fA-F]{64}$"})]
Directory = Annotated[
    str, AfterValidator(_directory), WithJsonSchema({"type": "string", "pattern": r"^(/(?!\.\.?(/|$))[^/]+)+/?$"})
]
Machine = Annotated[
    str, AfterValidator(_machine), WithJsonSchema({"type": "string", "pattern": f"^{_MACHINE.pattern}$"})
]
Cidr = Annotated[str, AfterValidator(_cidr)]
PodLabels = Annotated[dict[str, str], AfterValidator(_pod_labels)]
