"""What CITA-Cloud adds to a stack file."""

from __future__ import annotations

import base64
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, WithJsonSchema

from archipelago.chains.cita_cloud.device import device_id
from archipelago.chains.cita_cloud.service_settings import Services, read_services
from archipelago.model.endpoint import Exposed
from archipelago.settings.clients import Client
from archipelago.settings.exposure import Exposure
from archipelago.settings.images import Image
from archipelago.settings.models import NetworkSettings, NodeSettings, Requests
from archipelago.settings.numbers import LARGEST_SIGNED, Generation, Within
from archipelago.settings.types import SEALED, BlockHash, Cpu, CurveKey, Memory, PrivateKey, Size, Strict, fault

ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
PASSWORD_LENGTH = 6
PASSWORD = f"Choose one of {PASSWORD_LENGTH} characters or more on one line, without white space at its end."
_MILLISECONDS = "it is counted in milliseconds, and a smaller number is one in seconds, or before 2001"
_USER = re.compile(r"[A-Za-z][\w.-]{0,63}", re.ASCII)  # it stands in an ini file and in a shell's line


def fits_a_line(password: str) -> bool:
    """Whether kms reads it as it is: it takes one line, and drops white space at its end."""
    return password == password.rstrip() and "\n" not in password


def _password(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if text != SEALED and not (text and fits_a_line(text)):
        raise fault("this password cannot be used", PASSWORD)
    return value


def _long(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if text != SEALED and len(text) < PASSWORD_LENGTH:
        raise fault("this password cannot be used", PASSWORD)
    return value


def _database(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if text == SEALED:
        return value
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        raw = b""
    if not raw:
        place = "archipelago:nodes.<node>.identity.kmsDb"
        cure = f"Set it with: base64 kms.db | pulumi config set --secret --path {place}"
        raise fault("this is no base64 of a file", cure)
    return SecretStr(base64.b64encode(raw).decode())


def _certificate(value: str) -> str:
    try:
        device_id(value)
    except ValueError:
        raise fault("this is no certificate", "Paste the whole cert.pem of the node's folder config.") from None
    return value


def _user(value: str) -> str:
    if not _USER.fullmatch(value):
        raise fault(f"{value!r} is no user of CouchDB", "Use letters, digits, '.', '_' and '-', a letter first.")
    return value


def address_text(value: Any) -> Any:
    """An address as text; YAML reads an unquoted one that begins with many zeros as a number."""
    return f"0x{value:040x}" if isinstance(value, int) and not isinstance(value, bool) and value > 0 else value


def _address(value: Any) -> Any:
    """Of SM2 or secp256k1: the mixed case of an Ethereum checksum means nothing here."""
    value = address_text(value)
    if not isinstance(value, str) or not ADDRESS.fullmatch(value):
        raise fault(f"{value!r} is no account address", "Write 0x and 40 hex characters, in quotes.")
    return value.lower()


AccountAddress = Annotated[
    str, BeforeValidator(_address), WithJsonSchema({"type": "string", "pattern": "^0x[0-9a-fA-F]{40}$"})
]
Password = Annotated[SecretStr, AfterValidator(_password)]


class ChainGenesis(Strict):
    """What the first block says. Read once, when the network is founded; frozen ever after."""

    validators: tuple[str, ...] = Field(
        default=(), description="Nodes in the order of their indices, a partner's as partner/name; default: own nodes."
    )
    timestamp: Annotated[int, Within(10**12, 2**53 - 1, _MILLISECONDS)] | None = Field(
        default=None, description="Of block 0, milliseconds since 1970; the founder chooses it."
    )
    block_interval: int = Field(default=6, ge=1, le=3600, description="Seconds between blocks.")
    chain_id_hash: Literal["sha256", "sm3"] = Field(
        default="sha256", description="Makes the chain id of the network's name: sha256, or sm3 as its successor does."
    )


class HelperImages(Strict):
    """Images beside the six services."""

    syncthing: Image = Field(default="syncthing/syncthing:1.16", description="Carries blocks; release 1 only.")
    tools: Image = Field(default="busybox:1.36.1", description="Fills the volume before the services start.")
    couchdb: Image = Field(default="couchdb:3.1.1", description="State of executor_chaincode_ext.")
    process_exporter: Image = Field(
        default="citacloud/monitor-process-exporter:0.4.1", description="Metrics of processes, where monitor is true."
    )
    chain_exporter: Image = Field(
        default="citacloud/monitor-citacloud-exporter:0.1.1", description="Metrics of the chain, where monitor is true."
    )


class CitaNetwork(NetworkSettings):
    """The `network` section of a CITA-Cloud stack."""

    kind: Literal["cita-cloud"] = Field(description="cita-cloud")
    images: Literal["v4.0.0", "v5.0.0"] = Field(default="v5.0.0", description="Set of images: v4.0.0 or v5.0.0.")
    services: Annotated[Services, BeforeValidator(read_services, json_schema_input_type=str | Services)] = Field(
        default=Services(), description="By role, as kms: kms_sm; or the text of a service-config.toml."
    )
    helpers: HelperImages = HelperImages()
    super_admin: AccountAddress | None = Field(
        default=None, description="Address of the account that governs the chain; default: derived from your seed."
    )
    block_delay: int = Field(default=0, ge=0, le=2**32 - 1, description="Blocks after which a block is final.")
    genesis: ChainGenesis = ChainGenesis()
    genesis_hash: BlockHash | None = Field(default=None, description="Pin: another block 0 is refused.")
    genesis_file: str | None = Field(default=None, description="A chain.json, a path from the project's folder.")
    port_base: int | None = Field(
        default=None, description="First NodePort of the layout for one cluster: the chain's rpc, then five a node."
    )
    clients: tuple[Client, ...] = Field(
        default=(), description="Who may use the nodes' rpc, call and other client ports; default: anybody."
    )
    enable_tls: bool = Field(default=True, description="TLS between the network services of release 5.")
    monitor: bool = Field(default=False, description="Exporters of metrics beside each node.")
    debug: bool = Field(
        default=False, description="A container beside each node that shows whether a port gets through."
    )
    log_level: Literal["warn", "info", "debug", "trace"] = Field(default="info", description="Of all services.")
    log_files: bool = Field(default=False, description="true: logs go to files on the volume, not to the console.")


class CitaExposure(Exposure):
    """How partners and clients reach a node."""

    type: Exposed = Field(default=Exposed.NODE_PORT, description="NodePort, LoadBalancer or ClusterIP.")
    provider: Literal["plain", "aliyun", "huawei", "porter"] = Field(
        default="plain", description="Whose load balancer it is: plain, aliyun, huawei or porter."
    )
    load_balancer: str = Field(default="", description="Its id (aliyun, huawei) or its address pool (porter).")


class CitaRequests(Requests):
    """What each of a node's six services asks of the cluster."""

    cpu: Cpu = Field(default="100m", description="CPU request.")
    memory: Memory = Field(default="256Mi", description="Memory request.")
    memory_limit: Size = Field(default="2Gi", description="Memory limit.")


class SyncthingRequests(Requests):
    """What syncthing asks of the cluster."""

    cpu: Cpu = Field(default="50m", description="CPU request of syncthing.")
    memory: Memory = Field(default="128Mi", description="Memory request of syncthing.")
    memory_limit: Size = Field(default="512Mi", description="Memory limit of syncthing.")


class StateDbRequests(Requests):
    """What CouchDB asks of the cluster."""

    cpu: Cpu = Field(default="100m", description="CPU request of CouchDB.")
    memory: Memory = Field(default="256Mi", description="Memory request of CouchDB.")
    memory_limit: Size = Field(default="1Gi", description="Memory limit of CouchDB.")


class StateDb(Strict):
    """The CouchDB in which executor_chaincode_ext keeps its state; nothing outside of the pod reaches it."""

    user: Annotated[str, AfterValidator(_user)] = Field(default="citacloud", description="Its administrator.")
    password: Annotated[Password, AfterValidator(_long)] | None = Field(
        default=None, description="Of the administrator; default: from your seed."
    )
    resources: StateDbRequests = StateDbRequests()


class CitaKeys(Strict):
    """Which keys a node has: derived from the seed, unless one is given."""

    generation: Generation = Field(default=1, description="Count it up to rotate the node's derived keys.")
    kms_db: Annotated[SecretStr, AfterValidator(_database)] | None = Field(
        default=None, description="An existing kms.db in base64, as a secret; kmsPassword opens it."
    )
    key_id: Annotated[int, Within(1, LARGEST_SIGNED, "it is a row of an SQLite table")] | None = Field(
        default=None, description="The account's row in kmsDb; default 1."
    )
    node_key: PrivateKey | None = Field(
        default=None, description="An existing node_key of consensus_bft (64 hex), as a secret."
    )
    network_key: CurveKey | None = Field(default=None, description="An existing network key (64 hex), as a secret.")
    certificate: Annotated[str, AfterValidator(_certificate)] | None = Field(
        default=None, description="An existing cert.pem of syncthing, which makes the device id."
    )
    certificate_key: SecretStr | None = Field(default=None, description="Its key.pem, as a secret.")


class CitaNode(NodeSettings):
    """A node of a CITA-Cloud stack."""

    index: int | None = Field(
        default=None, ge=0, le=999, description="Its place among all nodes of the chain, from 0; it never changes."
    )
    port_base: int | None = Field(
        default=None, description="First of the nine ports that the node has outside; default: the cluster chooses."
    )
    exposure: CitaExposure = CitaExposure()
    resources: CitaRequests = CitaRequests()
    syncthing_resources: SyncthingRequests = SyncthingRequests()
    kms_password: Password | None = Field(default=None, description="Of its kms; default: derived from your seed.")
    state_db: StateDb = StateDb()
    pd_endpoints: tuple[str, ...] = Field(
        default=(), description="Placement drivers of the node's own TiKV, as node0-pd:2379, for storage_tikv."
    )
    identity: CitaKeys = CitaKeys()
