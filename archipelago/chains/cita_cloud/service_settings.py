"""What a CITA-Cloud stack file may say of the six services."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from archipelago.chains.cita_cloud import service_config
from archipelago.settings.images import Image
from archipelago.settings.types import Strict, fault


def _short(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


def read_services(value: Any) -> Any:
    """What stands for a set of services: as given, or parsed where it is the text of service-config.toml.

    Args:
        value: As the stack file has it.

    Raises:
        PydanticCustomError: The text is no service-config.toml.
    """
    if not isinstance(value, str):
        return value
    try:
        return service_config.parsed(value)
    except ValueError as error:
        cure = (
            "Paste the whole service-config.toml, or name one implementation for each role as docs/stack-files.md does."
        )
        raise fault(str(error), cure) from None


class Service(Strict):
    """One microservice: its implementation, or an image and a command of your own that behave like it."""

    kind: str
    image: Image | None = Field(default=None, description="With its tag or digest, instead of the published one.")
    command: str | None = Field(default=None, description="What the shell in it runs, instead of the usual command.")


class NetworkService(Service):
    """Connects the nodes."""

    kind: Literal["network_p2p", "network_direct"] = Field(description="network_p2p or network_direct.")


class ConsensusService(Service):
    """Agrees on blocks."""

    kind: Literal["consensus_raft", "consensus_bft"] = Field(description="consensus_raft or consensus_bft.")


class ExecutorService(Service):
    """Runs contracts."""

    kind: Literal["executor_evm", "executor_poc", "executor_chaincode", "executor_chaincode_ext"] = Field(
        description="executor_evm, executor_poc, executor_chaincode or executor_chaincode_ext."
    )


class StorageService(Service):
    """Keeps blocks."""

    kind: Literal["storage_sqlite", "storage_rocksdb", "storage_tikv"] = Field(
        description="storage_sqlite, storage_rocksdb or storage_tikv."
    )


class ControllerService(Service):
    """Serves clients and leads the others."""

    kind: Literal["controller", "controller_poc"] = Field(description="controller or, in release 4, controller_poc.")


class KmsService(Service):
    """Keeps the node's account."""

    kind: Literal["kms_sm", "kms_eth"] = Field(description="kms_sm or kms_eth; it cannot be changed later.")


class Services(Strict):
    """One implementation for each role; what is left out is what the set of images ships with."""

    network: Annotated[
        NetworkService | None, BeforeValidator(_short, json_schema_input_type=str | NetworkService | None)
    ] = None
    consensus: Annotated[
        ConsensusService | None, BeforeValidator(_short, json_schema_input_type=str | ConsensusService | None)
    ] = None
    executor: Annotated[
        ExecutorService | None, BeforeValidator(_short, json_schema_input_type=str | ExecutorService | None)
    ] = None
    storage: Annotated[
        StorageService | None, BeforeValidator(_short, json_schema_input_type=str | StorageService | None)
    ] = None
    controller: Annotated[
        ControllerService | None, BeforeValidator(_short, json_schema_input_type=str | ControllerService | None)
    ] = None
    kms: Annotated[KmsService | None, BeforeValidator(_short, json_schema_input_type=str | KmsService | None)] = None
