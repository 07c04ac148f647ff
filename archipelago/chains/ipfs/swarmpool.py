"""Objects of cluster-discovery (peerdiscovery.irt-saintexupery.com/v1alpha1) as a stack file that means the same.

Its documentation shows manifests whose indentation is lost, so `network`, `storage` and `IPFSVersion` are taken
wherever they stand: at the pool, at a swarm, or in its definition; and ports in `network` or in what it holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from archipelago.chains.ipfs.swarm_key import SECRET_KEYS
from archipelago.chains.takeover import Takeover
from archipelago.problems import Problem, Refused
from archipelago.settings.read import path_text

GROUP = "peerdiscovery.irt-saintexupery.com"
_PASSED_OVER = ("Peer",)  # written by its controller; ours writes its own


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=False)


def _nothing(value: Any) -> Any:
    return {} if value is None else value


class _Metadata(_Given):
    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    namespace: str = "default"


class _Ports(_Given):
    swarm_port: int | None = None
    api_port: int | None = None


class _Balancer(_Ports):
    address: str = Field(default="auto", alias="loadBalancerIP")
    api: bool = Field(default=False, alias="exposedAPI")


class _Traefik(_Ports):
    entry_point: str = Field(alias="traefikEntryPoint")
    service: str = Field(default="traefik", alias="traefikLoadBalancerServiceName")
    namespace: str = Field(
        default="traefik",
        validation_alias=AliasChoices("traefikLoadBalancerServiceNamespace", "traefikLoadBalancerNamespace"),
    )


class _Network(_Ports):
    load_balancer: Annotated[_Balancer, BeforeValidator(_nothing)] | None = None
    traefik: _Traefik | None = None


class _Storage(_Given):
    capacity: str | None = None


class _Common(_Given):
    """What stands at a pool, at a swarm or in its definition."""

    network: _Network | None = None
    storage: _Storage | None = None
    version: str | None = Field(default=None, alias="IPFSVersion")


class _Definition(_Common):
    secret: str | None = Field(default=None, alias="swarmKeySecretRef")
    bootstrap: tuple[str, ...] = Field(default=(), alias="bootstrapNodeAddresses")


class _Swarm(_Common):
    name: str
    definition: Annotated[_Definition, BeforeValidator(_nothing)] | None = Field(default=None, alias="swarmDefinition")


class _PoolSpec(_Common):
    swarms: tuple[_Swarm, ...] = ()


class _Pool(BaseModel):
    metadata: _Metadata
    spec: _PoolSpec


class _Place(_Given):
    namespace: str
    pool: str = Field(alias="swarmPool")
    swarm: str


class _Category(_Given):
    name: str


class _IdentitySpec(_Given):
    swarms: tuple[_Place, ...] = ()
    name: str = ""
    description: str = ""
    url: str = Field(default="", alias="URL")
    categories: tuple[_Category, ...] = ()


class _Identity(BaseModel):
    metadata: _Metadata
    spec: _IdentitySpec


class SwarmPools:
    """cluster-discovery's SwarmPools and Identities."""

    def translate(self, objects: Sequence[Mapping[str, Any]], organisation: str, network: str, joins: str) -> Takeover:
        """Make settings of them.

        Args:
            objects: Kubernetes objects; those of other groups are passed over.
            organisation: Whose they are.
            network: What the network is to be called.
            joins: The organisation that founded it; empty where this one does.

        Raises:
            Refused: One of them is malformed, or none is there.
        """
        ours = [each for each in objects if str(each.get("apiVersion", "")).partition("/")[0] == GROUP]
        found: list[_Pool | _Identity] = []
        problems: list[Problem] = []
        for each in ours:
            if each.get("kind") in _PASSED_OVER:
                continue
            try:
                found.append(_read(each))
            except ValidationError as error:
                problems += _problems(each, error)
        pools = [each for each in found if isinstance(each, _Pool)]
        if not pools and not problems:
            words = f"there is no SwarmPool of {GROUP} in it."
            problems.append(Problem("", words, "Name the files, or: kubectl get swarmpools,identities -A -o yaml"))
        if problems:
            raise Refused(problems, "import-swarmpool")
        said: dict[str, Any] = {
            "organisation": organisation,
            "cluster": {"namespace": pools[0].metadata.namespace, "createNamespace": False},
            "network": {"kind": "ipfs", "name": network, **({"joins": joins} if joins else {"founder": True})},
            "pools": {each.metadata.name: _pool(each) for each in pools},
        }
        identities = {each.metadata.name: _identity(each) for each in found if isinstance(each, _Identity)}
        said |= {"identities": identities} if identities else {}
        return Takeover(said, {}, "", "", tuple(_notes(objects, pools, bool(identities))))


def _read(given: Mapping[str, Any]) -> _Pool | _Identity:
    kinds: dict[str, type[_Pool | _Identity]] = {"SwarmPool": _Pool, "Identity": _Identity}
    kind = str(given.get("kind"))
    if kind not in kinds:
        words = f"{kind} is no kind of {GROUP}."
        raise Refused([Problem("", words, "Kinds are SwarmPool, Identity and Peer.")], "import-swarmpool")
    return kinds[kind].model_validate(given)


def _problems(given: Mapping[str, Any], error: ValidationError) -> Iterator[Problem]:
    metadata = given.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    for detail in error.errors(include_url=False):
        where = f"{given.get('kind')} {name or '(without a name)'}: {path_text(detail['loc'])}"
        cure = "Compare it with what kubectl get -o yaml shows; fields are spelled as cluster-discovery has them."
        yield Problem("", f"{where}: {detail['msg']}.", cure)


def _pool(pool: _Pool) -> dict[str, Any]:
    spec = pool.spec
    return {
        "namespace": pool.metadata.namespace,
        "createNamespace": False,
        "swarms": {swarm.name: _member(spec, swarm) for swarm in spec.swarms},
    }


def _member(pool: _PoolSpec, swarm: _Swarm) -> dict[str, Any]:
    definition = swarm.definition or _Definition()
    places = (definition, swarm, pool)  # the nearest one wins
    network = next((each.network for each in places if each.network), None)
    storage = next((each.storage for each in places if each.storage), None)
    version = next((each.version for each in places if each.version), None)
    said: dict[str, Any] = {"key": {"secret": definition.secret} if definition.secret else "generate"}
    if definition.bootstrap:
        said["bootstrap"] = list(definition.bootstrap)
    said |= _network(network) if network else {}
    if version:
        said["version"] = version.removeprefix("v")
    if storage and storage.capacity:
        said["storage"] = {"size": storage.capacity}
    return said


def _network(network: _Network) -> dict[str, Any]:
    balancer, traefik = network.load_balancer, network.traefik
    said: dict[str, Any] = {}
    if traefik:
        way = {"entryPoint": traefik.entry_point, "service": traefik.service, "namespace": traefik.namespace}
        said["exposure"] = {"traefik": way}
    elif balancer:
        said["exposure"] = {"type": "LoadBalancer", "address": balancer.address, "api": balancer.api}
    holders: tuple[_Ports, ...] = tuple(each for each in (network, balancer, traefik) if each)
    for key, numbers in (
        ("swarmPort", [each.swarm_port for each in holders]),
        ("apiPort", [each.api_port for each in holders]),
    ):
        if number := next((each for each in numbers if each is not None), None):
            said[key] = number
    return said


def _identity(identity: _Identity) -> dict[str, Any]:
    spec = identity.spec
    said: dict[str, Any] = {"namespace": identity.metadata.namespace}
    said |= {"name": spec.name} if spec.name else {}
    said |= {"description": spec.description} if spec.description else {}
    said |= {"url": spec.url} if spec.url else {}
    said |= {"categories": [each.name for each in spec.categories]} if spec.categories else {}
    said |= {"publishTo": [f"{each.namespace}/{each.pool}/{each.swarm}" for each in spec.swarms]} if spec.swarms else {}
    return said


def _notes(objects: Sequence[Mapping[str, Any]], pools: Sequence[_Pool], identities: bool) -> Iterator[str]:
    for pool in pools:
        for swarm in pool.spec.swarms:
            full = f"{pool.metadata.name}/{swarm.name}"
            if swarm.definition is None:
                yield (
                    f"{full} was in the network whose key comes with cluster-discovery's chart, the same for everybody "
                    "who installs it; here it gets a key of its own. To stay in there, put that key into a Secret."
                )
            elif swarm.definition.secret is None:
                yield f"{full} names no Secret with a key; here it gets one that is derived from your seed."
    if any(each.get("kind") == "Secret" for each in objects):
        names = " or ".join(SECRET_KEYS)
        yield f"Secrets stay where they are: a member reads its key from {names} in the Secret that key names."
    yield "Members get PeerIDs of their own: tell partners the ones that archipelago identity shows."
    yield "cluster-discovery's controller and its StatefulSets have to be gone before pulumi up: names are the same."
    if identities:
        yield (
            "cluster-discovery gave the kubeconfig of every identity to everybody in the swarm; here a partner has one "
            "where archipelago:identities.<name>.grants.<partner> says so, and archipelago:cluster.apiServer is set."
        )
