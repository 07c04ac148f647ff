"""A recording engine: it answers as the provider, the cluster and the backend would, and keeps every request."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from google.protobuf import json_format
from pulumi.runtime import mocks, rpc

from tests.stacks import floats
from tests.tokens import secret_data

PROJECT = "archipelago"
STACK = "pulumi:pulumi:Stack"
READ_OUTPUTS = "pulumi:pulumi:readStackOutputs"
UNKNOWN = "<unknown>"
WORKLOAD = "kubernetes:apps/"
TOKEN = "kubernetes.io/service-account-token"
Place = tuple[str | int, ...]
_QUIET = 0.2  # seconds without a request, after which a slow workload is up


class Ports(StrEnum):
    """What a provider tells of a NodePort that nobody pinned."""

    ALLOCATED = "allocated"  # `up`, and a preview of a Service that is there
    FAKE = "fake"  # a preview of a new Service: the API server's dry run makes one up, outside the range
    NONE = "none"  # a preview where the namespace is new too


@dataclass(frozen=True)
class Registered:
    """One resource as the engine was asked for it; secrets are opened, and `secret` says where they were."""

    type: str
    name: str
    urn: str
    parent: str
    inputs: dict[str, Any] = field(repr=False)
    secret: frozenset[Place]
    depends_on: frozenset[str]
    provider: str
    retain_on_delete: bool
    protect: bool
    ignore_changes: tuple[str, ...]
    custom: bool
    additional_secret_outputs: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    """Types that it had before."""
    after: frozenset[str] = frozenset()
    """What the engine had answered when this was requested."""

    @property
    def kind(self) -> str:
        """The last part of the type token."""
        return self.type.rpartition(":")[2]


class Recorder(mocks.MockMonitor):
    """A resource monitor that keeps every request; the SDK's own one drops options and secretness."""

    def __init__(self, engine: Engine, stack: str, *, slow: bool = False) -> None:
        super().__init__(engine)
        self.stack = stack
        self.slow = slow
        self.answered: set[str] = set()
        self.asked = time.monotonic()
        self.requests: list[Registered] = []
        self.outputs: dict[str, Any] = {}
        self.secret_outputs: frozenset[Place] = frozenset()
        self.invoked: list[str] = []
        self.references: list[str] = []

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The engine's URN: all parents' types but the stack's; the SDK's mock keeps the last one only."""
        around = parent.split("::")[2] if parent else ""
        qualified = type_ if around in ("", STACK) else f"{around}${type_}"
        return f"urn:pulumi:{self.stack}::{PROJECT}::{qualified}::{name}"

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's word
        after = frozenset(self.answered)
        self.asked = time.monotonic()
        with event_loop():
            reply = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # the SDK has no types there
        if request.type != STACK:
            inputs, secret = opened(request.object)
            self.requests.append(
                Registered(
                    type=request.type,
                    name=request.name,
                    urn=reply.urn,
                    parent=request.parent,
                    inputs=inputs,
                    secret=secret,
                    depends_on=frozenset(request.dependencies),
                    provider=request.provider,
                    retain_on_delete=request.retainOnDelete,
                    protect=request.protect,
                    ignore_changes=tuple(request.ignoreChanges),
                    custom=request.custom,
                    additional_secret_outputs=tuple(request.additionalSecretOutputs),
                    aliases=tuple(each.spec.type for each in request.aliases),
                    after=after,
                )
            )
        while self.slow and request.type.startswith(WORKLOAD) and time.monotonic() < self.asked + _QUIET:
            time.sleep(_QUIET / 10)
        self.answered.add(reply.urn)
        return reply

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the protocol's word
        if request.urn.split("::")[2] == STACK:
            self.outputs, self.secret_outputs = opened(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]  # the SDK has no types there

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's word
        self.references.append(request.id)
        with event_loop():
            return super().ReadResource(request)  # type: ignore[no-untyped-call]  # the SDK has no types there

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - the protocol's word
        if request.tok == READ_OUTPUTS:
            self.invoked.append(request.args["name"])
        with event_loop():
            return super().Invoke(request)  # type: ignore[no-untyped-call]  # the SDK has no types there


@contextmanager
def event_loop() -> Iterator[None]:
    """A loop for the thread of one call; the SDK's mock makes one too, and never closes it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class Engine(mocks.Mocks):
    """What the provider and the backend would answer."""

    tokens = True  # whether it puts a token into a Secret for one

    def __init__(self, stacks: Mapping[str, Mapping[str, Any] | None], ports: Ports, preview: bool) -> None:
        self.stacks = stacks
        self.ports = ports
        self.preview = preview

    def call(self, args: mocks.MockCallArgs) -> Any:
        """The built-in that reads a stack's outputs."""
        assert args.token == READ_OUTPUTS, f"an unexpected call of {args.token}"
        name = args.args["name"]
        if self.stacks.get(name) is None:
            return {}, [("name", f"unknown stack {name!r}")]
        return {"name": name, "outputs": floats(self.stacks[name]), "secretOutputNames": []}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Inputs as they are, and what only a cluster or a backend adds."""
        if args.typ == "pulumi:pulumi:StackReference":
            outputs = self.stacks[args.inputs["name"]]
            return args.inputs["name"], {**args.inputs, "outputs": floats(outputs), "secretOutputNames": []}
        state = dict(args.inputs)
        if args.typ == "kubernetes:core/v1:Service":
            state |= self._service(args.name, args.inputs)
        if args.inputs.get("type") == TOKEN and not self.preview and self.tokens:
            # a secret: the program asks for that
            state |= {
                "data": {
                    rpc._special_sig_key: rpc._special_secret_sig,
                    "value": secret_data(args.inputs["metadata"]["name"]),
                }
            }
        return f"{args.name}-id", state

    def _service(self, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        spec = json.loads(json.dumps(inputs["spec"]))
        if spec["type"] == "LoadBalancer":
            ingress = [{"ip": balancer_address(name)}]
            return {"spec": spec, "status": rpc.UNKNOWN if self.preview else {"loadBalancer": {"ingress": ingress}}}
        for index, port in enumerate(spec["ports"]):
            if "nodePort" not in port and spec["type"] == "NodePort" and self.ports is not Ports.NONE:
                fake = self.ports is Ports.FAKE
                port["nodePort"] = 32769 + index if fake else allocated_port(name, port["name"])
        return {"spec": spec, "status": {"loadBalancer": {}}}


def allocated_port(service: str, port: str) -> int:
    """The NodePort that the mock cluster gives, always the same one."""
    return 31000 + sum((index + 1) * byte for index, byte in enumerate(f"{service}/{port}".encode())) % 1700


def balancer_address(service: str) -> str:
    """The address that the mock cluster's load balancer gives."""
    return f"192.0.2.{sum(service.encode()) % 250}"


def opened(struct: Any) -> tuple[dict[str, Any], frozenset[Place]]:
    """A request's properties as plain data, and the paths of what was secret in them."""
    secret: set[Place] = set()
    plain = _open(json_format.MessageToDict(struct), (), secret)
    return plain, frozenset(secret)


def _open(value: Any, path: Place, secret: set[Place]) -> Any:
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            secret.add(path)
            return _open(value["value"], path, secret)
        return {key: _open(item, (*path, key), secret) for key, item in value.items()}
    if isinstance(value, list):
        return [_open(item, (*path, index), secret) for index, item in enumerate(value)]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return UNKNOWN if value == rpc.UNKNOWN else value


def texts(value: Any) -> Iterator[str]:
    """Every text in plain data, keys included."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from (str(key), *texts(item))
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value
