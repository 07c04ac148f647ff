"""Objects of cluster-discovery as its API server has them, and which of some documents are there: one of each name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from archipelago.problems import Problem
from archipelago.settings.read import path_text

GROUP = "peerdiscovery.irt-saintexupery.com"
PEER = "Peer"  # written by its controller; ours writes its own


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=False)


def _nothing(value: Any) -> Any:
    return {} if value is None else value


class Metadata(_Given):
    """Name and place of an object."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    namespace: str = "default"


class Ports(_Given):
    """Ports, wherever they stand."""

    swarm_port: int | None = None
    api_port: int | None = None


class Balancer(Ports):
    """A load balancer."""

    address: str = Field(default="auto", alias="loadBalancerIP")
    api: bool = Field(default=False, alias="exposedAPI")


class Traefik(Ports):
    """A Traefik that is there."""

    entry_point: str = Field(alias="traefikEntryPoint")
    service: str = Field(default="traefik", alias="traefikLoadBalancerServiceName")
    namespace: str = Field(
        default="traefik",
        validation_alias=AliasChoices("traefikLoadBalancerServiceNamespace", "traefikLoadBalancerNamespace"),
    )


class Network(Ports):
    """How a member is reached."""

    load_balancer: Annotated[Balancer, BeforeValidator(_nothing)] | None = None
    traefik: Traefik | None = None


class Storage(_Given):
    """Its volume."""

    capacity: str | None = None


class Common(_Given):
    """What stands at a pool, at a swarm or in its definition."""

    network: Network | None = None
    storage: Storage | None = None
    version: str | None = Field(default=None, alias="IPFSVersion")


class Definition(Common):
    """Which swarm it is."""

    secret: str | None = Field(default=None, alias="swarmKeySecretRef")
    bootstrap: tuple[str, ...] = Field(default=(), alias="bootstrapNodeAddresses")


class Swarm(Common):
    """One member."""

    name: str
    definition: Annotated[Definition, BeforeValidator(_nothing)] | None = Field(default=None, alias="swarmDefinition")


class PoolSpec(Common):
    """The members of a pool."""

    swarms: tuple[Swarm, ...] = ()


class Pool(BaseModel):
    """A SwarmPool."""

    metadata: Metadata
    spec: PoolSpec


class Place(_Given):
    """Where an identity is shown."""

    namespace: str
    pool: str = Field(alias="swarmPool")
    swarm: str


class Category(_Given):
    """What a cluster offers."""

    name: str


class IdentitySpec(_Given):
    """What an identity shows."""

    swarms: tuple[Place, ...] = ()
    name: str = ""
    description: str = ""
    url: str = Field(default="", alias="URL")
    categories: tuple[Category, ...] = ()


class Identity(BaseModel):
    """An Identity."""

    metadata: Metadata
    spec: IdentitySpec


KINDS: Mapping[str, type[Pool | Identity]] = {"SwarmPool": Pool, "Identity": Identity}
_Object = TypeVar("_Object", Pool, Identity)
_MUST_BE = {
    "string": "a text",
    "int": "a whole number",
    "bool": "true or false",
    "model": "a mapping",
    "tuple": "a list",
}


def read(objects: Iterable[Mapping[str, Any]], problems: list[Problem]) -> list[Pool | Identity]:
    """SwarmPools and Identities of some documents.

    Args:
        objects: Kubernetes objects; those of other groups are passed over.
        problems: Gets what is wrong with them.
    """
    found: list[Pool | Identity] = []
    for each in objects:
        kind = str(each.get("kind"))
        if str(each.get("apiVersion", "")).partition("/")[0] != GROUP or kind == PEER:
            continue
        if kind not in KINDS:
            words = f"{kind} is no kind of {GROUP}."
            problems.append(Problem("", words, "Kinds are SwarmPool, Identity and Peer."))
            continue
        try:
            found.append(KINDS[kind].model_validate(each))
        except ValidationError as error:
            problems += _wrong(each, error)
    return found


def one_of_each(kind: str, found: Iterable[_Object], problems: list[Problem]) -> list[_Object]:
    """Objects by their names, which is how a stack file has them: two of one name would be one.

    Args:
        kind: What they are, for messages.
        found: All of them; one that stands there twice, and is the same, is one.
        problems: Gets what is wrong with them.
    """
    first: dict[str, _Object] = {}
    for each in found:
        other = first.setdefault(each.metadata.name, each)
        if other is each or other == each:
            continue
        one, two = (f"{of.metadata.namespace}/{of.metadata.name}" for of in (other, each))
        if one == two:
            words, cure = f"{kind} {one} is there twice, and not the same.", "Leave out the one that is not meant."
        else:
            words = f"{kind} {one} and {two} have one name, and a stack file has one of each name."
            cure = (
                f"Give one of them another metadata.name, and the Identities that name it; or make a stack of each "
                f"namespace: kubectl get swarmpools,identities -n {each.metadata.namespace} -o yaml"
            )
        problems.append(Problem("", words, cure))
    return list(first.values())


def one_swarm_each(pool: Pool) -> Iterator[Problem]:
    """Members of a pool whose swarms have one name: a pool has one of each."""
    names = [swarm.name for swarm in pool.spec.swarms]
    for name in sorted({each for each in names if names.count(each) > 1}):
        words = f"SwarmPool {pool.metadata.namespace}/{pool.metadata.name} has more than one swarm of the name {name}."
        yield Problem("", words, "Give every entry of swarms a name of its own.")


def made(objects: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    """Objects of Kubernetes' own that the documents make: one that the cluster showed has a UID, and is there."""
    return [each for each in objects if each.get("kind") == kind and not metadata(each).get("uid")]


def metadata(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of any object; empty where it has none."""
    found = given.get("metadata")
    return found if isinstance(found, Mapping) else {}


def _wrong(given: Mapping[str, Any], error: ValidationError) -> Iterator[Problem]:
    name = metadata(given).get("name")
    for detail in error.errors(include_url=False):
        where = f"{given.get('kind')} {name or '(without a name)'}: {path_text(detail['loc'])}"
        cure = "Compare it with what kubectl get -o yaml shows; fields are spelled as cluster-discovery has them."
        yield Problem("", f"{where}: {_words(detail['type'])}.", cure)


def _words(kind: str) -> str:
    if kind == "missing":
        return "it is missing"
    if kind == "extra_forbidden":
        return "cluster-discovery has no field of this name"
    wanted = _MUST_BE.get(kind.partition("_")[0])
    return f"it must be {wanted}" if wanted else "it is no value of this field"
