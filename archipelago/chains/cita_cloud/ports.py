"""Where a node can be reached: inside the cluster, and outside in one of runner_k8s's two layouts.

In one cluster: NodePorts P (rpc of the chain) and five more a node, P+1+5i … P+5+5i. Across clusters: a block of nine a
node, on a load balancer or as NodePorts. A number is reserved even where nothing listens on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archipelago.chains.cita_cloud import files, syncthing
from archipelago.chains.cita_cloud.services import stack
from archipelago.chains.cita_cloud.settings import CitaExposure, CitaNetwork, CitaNode
from archipelago.model import names
from archipelago.model.endpoint import Exposed, Port, Reach
from archipelago.model.plan import Clients, Service

NETWORK = Port("network", files.P2P, Reach.PARTNERS)
SYNC = Port("sync", syncthing.PORT, Reach.PARTNERS)
RPC = Port("rpc", files.GRPC["controller"], Reach.OPERATORS)
CALL = Port("call", files.GRPC["executor"], Reach.OPERATORS)
PROCESS = Port("process", 9256, Reach.OPERATORS)
EXPORTER = Port("exporter", 9349, Reach.OPERATORS)
CHAINCODE = Port("chaincode", 7052, Reach.OPERATORS)
EVENTHUB = Port("eventhub", 7053, Reach.OPERATORS)
DEBUG = Port("debug", 9999, Reach.OPERATORS)
KMS = Port("kms", files.GRPC["kms"], Reach.CLUSTER)  # it signs for whoever asks: no Service, and no policy lets in

BLOCK = (NETWORK, SYNC, RPC, CALL, PROCESS, EXPORTER, CHAINCODE, EVENTHUB, DEBUG)
_STRIDE = (PROCESS, EXPORTER, CHAINCODE, EVENTHUB, CALL)
STRIDE = len(_STRIDE)
_ALIYUN = "service.beta.kubernetes.io"


def object_name(network: str, index: int) -> str:
    """Stem of a node's objects, as runner_k8s and the CITA node operator have it."""
    return f"{network}-{index}"


def opened(network: CitaNetwork) -> tuple[Port, ...]:
    """The ports on which something listens that may be reached, in the order of the block."""
    chosen = stack(network)
    asked = dict.fromkeys((PROCESS, EXPORTER), network.monitor)
    asked |= dict.fromkeys((CHAINCODE, EVENTHUB), chosen.chaincode) | {DEBUG: network.debug}
    return tuple(port for port in BLOCK if asked.get(port, True))


def block(base: int) -> dict[str, int]:
    """The nine numbers from a base on, by port."""
    return {port.name: base + offset for offset, port in enumerate(BLOCK)}


def stride(base: int, index: int) -> dict[str, int]:
    """A node's five numbers in the layout for one cluster."""
    return {port.name: base + 1 + STRIDE * index + offset for offset, port in enumerate(_STRIDE)}


def of_one_cluster(base: int, indices: Iterable[int]) -> range:
    """All the numbers of the layout for one cluster.

    Args:
        base: The first one.
        indices: Of the nodes; those that are missing between them have theirs too.
    """
    return range(base, base + 1 + STRIDE * (max(indices, default=-1) + 1))


def of_one_node(base: int) -> range:
    """All the numbers of a block."""
    return range(base, base + len(BLOCK))


def services(network: CitaNetwork, node: CitaNode, namespace: str, address: str) -> tuple[Service, ...]:
    """A node's Services, the one for partners first.

    Args:
        network: Its network.
        node: Its settings.
        namespace: Of its objects.
        address: What partners dial for NodePorts; empty where nobody wrote it.
    """
    assert node.index is not None  # noqa: S101 - checks.problems has seen to it
    stem = object_name(network.name, node.index)
    peers = (NETWORK, SYNC)
    host = names.service_host(stem, namespace)
    if node.exposure.type is not Exposed.CLUSTER_IP:
        outside = _outside(f"all-{stem}", network, node, address)
        return outside, Service(stem, Exposed.CLUSTER_IP, peers, host)
    if network.port_base is None:
        return (Service(stem, Exposed.CLUSTER_IP, opened(network), host, clients=_clients(network)),)
    inside = Service(stem, Exposed.CLUSTER_IP, peers, host)
    return inside, *_strided(stem, network, stride(network.port_base, node.index))


def of_the_chain(network: CitaNetwork, indices: Iterable[int]) -> tuple[Service, ...]:
    """The NodePort at which any node answers, in the layout for one cluster.

    Args:
        network: The network.
        indices: Of the own nodes.
    """
    if network.port_base is None:
        return ()
    return (
        Service(
            name=f"{network.name}-node-port",
            type=Exposed.NODE_PORT,
            ports=(RPC,),
            node_ports={RPC.name: network.port_base},
            clients=_clients(network),
            reserved=of_one_cluster(network.port_base, indices),
        ),
    )


def _outside(name: str, network: CitaNetwork, node: CitaNode, address: str) -> Service:
    exposure, ports = node.exposure, opened(network)
    balanced = exposure.type is Exposed.LOAD_BALANCER
    numbers = {port.name: block(node.port_base)[port.name] for port in ports} if node.port_base else {}
    return Service(
        name=name,
        type=exposure.type,
        ports=ports,
        host=exposure.host or ("" if balanced else address),
        node_ports={} if balanced else numbers or exposure.ports,
        annotations=balancer_annotations(exposure) | exposure.annotations,
        clients=_clients(network),
        published=numbers,
        reserved=of_one_node(node.port_base) if node.port_base and not balanced else None,
        balancing=exposure.balancing,
    )


def _strided(stem: str, network: CitaNetwork, numbers: dict[str, int]) -> Iterator[Service]:
    ports = opened(network)
    for kind, carried in (("monitor", (PROCESS, EXPORTER)), ("executor", (CALL, CHAINCODE, EVENTHUB))):
        if there := tuple(port for port in carried if port in ports):
            pinned = {port.name: numbers[port.name] for port in there}
            yield Service(f"{kind}-{stem}", Exposed.NODE_PORT, there, node_ports=pinned, clients=_clients(network))


def _clients(network: CitaNetwork) -> tuple[Clients, ...]:
    return tuple(Clients(**each.model_dump()) for each in network.clients)


def balancer_annotations(exposure: CitaExposure) -> dict[str, str]:
    """What a provider's load balancer wants to be told."""
    balancer = exposure.load_balancer
    return {
        "plain": {},
        "aliyun": {
            f"{_ALIYUN}/alibaba-cloud-loadbalancer-id": balancer,
            f"{_ALIYUN}/alibaba-cloud-loadbalancer-force-override-listeners": "true",
            f"{_ALIYUN}/alibaba-cloud-loadbalancer-health-check-interval": "50",
        },
        "huawei": {
            "kubernetes.io/elb.id": balancer,
            "kubernetes.io/elb.pass-through": "true",
            "kubernetes.io/elb.health-check-flag": "off",
        },
        "porter": {
            "lb.kubesphere.io/v1alpha1": "porter",
            "protocol.porter.kubesphere.io/v1alpha1": "layer2",
            "eip.porter.kubesphere.io/v1alpha2": balancer,
        },
    }[exposure.provider]
