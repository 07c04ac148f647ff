"""What runs for one CITA-Cloud node: a step that fills the volume, the six services, syncthing and what was asked for.

runner_k8s left the first to people with scp. Addresses that the services bind are those of their sources of April 2021:
where one binds loopback only, nothing can probe it.
"""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from archipelago.chains.cita_cloud import peers, ports, running, syncthing
from archipelago.chains.cita_cloud.identity import (
    CERTIFICATE,
    CERTIFICATE_KEY,
    COUCHDB_PASSWORD,
    KMS_DB,
    NODE_KEY,
)
from archipelago.chains.cita_cloud.services import KEY_FILE, KMS_FOLDER, NETWORK_FOLDER, NETWORK_KEY, Chosen, stack
from archipelago.chains.cita_cloud.settings import CitaNetwork, CitaNode
from archipelago.chains.cita_cloud.shell_command import TIKV
from archipelago.model.plan import Container, Mount, Probe, Resources, Source

DATA = "/data"
TIKV_PORTS = (2379, 20160)  # its placement driver and its stores
_TMP = Mount(Source.TMP, "/tmp", writable=True)  # noqa: S108 - a volume of the pod's own
_SMALL = Resources("10m", "32Mi", "128Mi")

# Everything but kms.db is written anew at each start: it is ours, and another node or log level changes it. kms.db is
# written once, because kms may have added accounts to it. The mark tells whose volume it is; before it is there, a
# volume of runner_k8s tells it by the files that it has. mv makes a file whole or not there. A Secret's files are read
# only and so are their copies: without -f the second start could not replace them.
_PREPARE = f"""set -eu
umask 077
cd {DATA}
{peers.WELL_FORMED}
refuse() {{
  echo "This volume holds $1. Nothing was touched." >&2
  echo "Bring the settings and the seed that made it back, then run pulumi up again." >&2
  echo "What starts anew is a node of another name." >&2
  exit 1
}}
if [ -e .archipelago ]; then
  [ "$(cat .archipelago)" = "$1" ] || refuse "another chain, or the data of another account"
else
  [ ! -e node_address ] || [ "$(cat node_address)" = "$(cat /config/node_address)" ] ||
    refuse "the data of account $(cat node_address)"
  [ ! -e init_sys_config.toml ] || cmp -s init_sys_config.toml /config/init_sys_config.toml || refuse "another chain"
  [ ! -e genesis.toml ] || cmp -s genesis.toml /config/genesis.toml || refuse "a chain with another block 0"
fi
if [ -e kms.db ] && [ -e .archipelago-kms ] && [ -e /identity/{KMS_DB} ] &&
    [ "$(cat .archipelago-kms)" != "$(sha256sum < /identity/{KMS_DB})" ]; then
  refuse "accounts under another kmsPassword, which cannot be changed"
fi
stored="$3"
[ ! -e storage.db ] || stored=storage_sqlite
[ ! -e .archipelago-storage ] || stored="$(cat .archipelago-storage)"
[ "$stored" = "$3" ] || refuse "the blocks of $stored, which $3 does not read"
mkdir -p config logs tx_infos chain_data {" ".join(f"{each}/.stfolder" for each in syncthing.FOLDERS)}
cp -fL /config/* .
cat /config/network-config.toml "/peers/$2.toml" > network-config.toml
cp -fL /identity/{CERTIFICATE} /identity/{CERTIFICATE_KEY} config/
if well_formed {peers.LISTED} || [ ! -e config/config.xml ]; then cp -fL {peers.LISTED} config/; fi
cp -f config/config.xml config/{peers.APPLIED}
if [ -e /identity/{NODE_KEY} ]; then cp -fL /identity/{NODE_KEY} .; fi
if [ -e /identity/{KMS_DB} ] && [ ! -e kms.db ]; then
  base64 -d /identity/{KMS_DB} > kms.db.new
  sha256sum < /identity/{KMS_DB} > .archipelago-kms
  sync
  mv kms.db.new kms.db
fi
printf %s "$3" > .archipelago-storage
printf %s "$1" > .archipelago.new
sync
mv .archipelago.new .archipelago
"""


def folder(network: CitaNetwork, node: CitaNode) -> str:
    """Where the node's data is on its volume; as runner_k8s has it, so that its volumes can be taken over."""
    return f"cita-cloud/{network.name}/node{node.index}"


def init(network: CitaNetwork, node: CitaNode, mark: str) -> Container:
    """The step before all others: idempotent, and it fails where the volume is another node's.

    Args:
        network: The network.
        node: The node.
        mark: Tells the chain and the account.
    """
    wanted = (CERTIFICATE, CERTIFICATE_KEY, NODE_KEY if stack(network).bft else KMS_DB)
    stem = ports.object_name(network.name, node.index or 0)
    return Container(
        name="init",
        image=network.helpers.tools,
        command=("sh", "-c", _PREPARE, "init", mark, stem, stack(network)["storage"].kind),
        mounts=(
            _data(network, node, DATA),
            Mount(Source.CONFIG, "/config"),
            Mount(Source.LIVE, "/peers"),
            Mount(Source.IDENTITY, "/identity", files=wanted),
        ),
        resources=_SMALL,
    )


def containers(network: CitaNetwork, node: CitaNode) -> Iterator[Container]:
    """The node's processes, the controller, which serves clients, first."""
    chosen = stack(network)
    for role in ("controller", "network", "consensus", "executor", "storage", "kms"):
        yield _service(network, node, chosen[role])
    yield _syncthing(network, node)
    yield _peers(network, node)
    if chosen.couchdb:
        yield _couchdb(network, node)
    if network.monitor:
        yield from _exporters(network, node)
    if network.debug:
        yield Container(
            name="debug",
            image=network.helpers.tools,
            command=("nc", "-ll", "-p", str(ports.DEBUG.number), "-e", "cat"),
            mounts=(_data(network, node, DATA),),
            resources=_SMALL,
            ports=(ports.DEBUG.name,),
        )


def _service(network: CitaNetwork, node: CitaNode, service: Chosen) -> Container:
    command, env = service.command, {}
    mounts = [_data(network, node, DATA), _TMP]
    if service.role == "network":
        mounts.append(Mount(Source.IDENTITY, NETWORK_FOLDER, files=(NETWORK_KEY,)))
    if service.role == "kms":
        mounts.append(Mount(Source.IDENTITY, KMS_FOLDER, files=(KEY_FILE,)))
    if service.kind == TIKV:
        command = f"{command} -e {quote(','.join(node.pd_endpoints or service.endpoints))}"
    if service.kind == "executor_chaincode_ext":  # it takes them as flags only; they are in no manifest
        command = f'{command} --couchdb-username {node.state_db.user} --couchdb-password "$COUCHDB_PASSWORD"'
        env = {"COUCHDB_PASSWORD": COUCHDB_PASSWORD}
    listens = _listens(network, service)
    probed = Probe(port=listens[0], period=20) if listens and _is_reachable(service) else None
    return Container(
        name=service.role,
        image=service.image,
        command=("sh", "-c", command),
        mounts=tuple(mounts),
        resources=node.resources.given,
        directory=DATA,
        ports=listens,
        secret_env=env,
        # kubelet restarts a service that has stopped by itself; a probe finds the one that hangs
        readiness=Probe(port=listens[0], period=5) if probed and service.role in ("controller", "network") else None,
        liveness=probed,
        startup=Probe(port=listens[0], period=5, failures=360) if probed else None,  # half an hour to open a database
    )


def _listens(network: CitaNetwork, service: Chosen) -> tuple[str, ...]:
    chaincode = (ports.CHAINCODE, ports.EVENTHUB) if stack(network).chaincode else ()
    listening = {
        "network": (ports.NETWORK,),
        "executor": (ports.CALL, *chaincode),
        "controller": (ports.RPC,),
        "kms": (ports.KMS,),
    }
    return tuple(port.name for port in listening.get(service.role, ()))


def _is_reachable(service: Chosen) -> bool:
    """Whether it binds more than loopback, as far as its sources tell."""
    return service.role != "executor" or service.kind == "executor_evm"


def _syncthing(network: CitaNetwork, node: CitaNode) -> Container:
    return Container(
        name="syncthing",
        image=network.helpers.syncthing,
        command=(),
        mounts=(_data(network, node, syncthing.HOME), _TMP),
        resources=node.syncthing_resources.given,
        ports=(ports.SYNC.name,),
        # the image opens its GUI, which asks for no password, to everybody
        env={"STGUIADDRESS": f"127.0.0.1:{syncthing.GUI}", "HOME": syncthing.HOME},
        liveness=Probe(port=ports.SYNC.name, period=20),
        startup=Probe(port=ports.SYNC.name, period=5, failures=120),
    )


def _peers(network: CitaNetwork, node: CitaNode) -> Container:
    return Container(
        name=running.CONTAINER,
        image=network.helpers.tools,
        command=("sh", "-c", peers.SCRIPT, "peers", network.name),
        mounts=(
            Mount(Source.DATA, peers.FOLDER, writable=True, sub_path=f"{folder(network, node)}/config"),
            Mount(Source.LIVE, "/peers"),
            Mount(Source.CONFIG, "/config"),
        ),
        resources=_SMALL,
    )


def _couchdb(network: CitaNetwork, node: CitaNode) -> Container:
    state = Mount(Source.DATA, "/opt/couchdb/data", writable=True, sub_path=f"{folder(network, node)}/state-data")
    return Container(
        name="couchdb",
        image=network.helpers.couchdb,
        command=(),
        # its entry point writes the password into a file there
        mounts=(state, Mount(Source.TMP, "/opt/couchdb/etc/local.d", writable=True, sub_path="couchdb"), _TMP),
        resources=node.state_db.resources.given,
        env={"COUCHDB_USER": node.state_db.user},
        secret_env={"COUCHDB_PASSWORD": COUCHDB_PASSWORD},
    )


def _exporters(network: CitaNetwork, node: CitaNode) -> Iterator[Container]:
    exporters = (
        ("process", network.helpers.process_exporter, ports.PROCESS, _PROCESSES),
        ("citacloud", network.helpers.chain_exporter, ports.EXPORTER, _CHAIN),
    )
    for name, image, port, arguments in exporters:
        yield Container(
            name=f"monitor-{name}",
            image=image,
            command=(),
            args=arguments,
            mounts=(_data(network, node, DATA),),
            resources=_SMALL,
            directory=DATA,
            ports=(port.name,),
        )


_PROCESSES = ("--procfs", "/proc", "--config.path", "/config/process_list.yml")
_CHAIN = ("--node-grpc-host", "localhost", "--node-grpc-port", str(ports.RPC.number), "--node-data-folder", ".")


def _data(network: CitaNetwork, node: CitaNode, path: str) -> Mount:
    return Mount(Source.DATA, path, writable=True, sub_path=folder(network, node))
