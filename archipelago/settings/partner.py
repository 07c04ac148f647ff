"""Another organisation, as a stack file names it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic.alias_generators import to_camel

from archipelago.identity.curve25519 import check_signer
from archipelago.settings.types import Strict, fault


def _signer(value: str) -> str:
    try:
        return check_signer(value)
    except ValueError as error:
        raise fault(str(error), "Ask the partner for the line that `archipelago identity` prints.") from None


class Accept(StrEnum):
    """Whose profiles are taken from a partner."""

    OWN = "own"
    NETWORK = "network"


class Sibling(Strict):
    """Another stack of this organisation: its nodes in another cluster. The signing key of both is the same."""

    stack: str | None = Field(default=None, description="The stack, as organization/project/stack.")
    file: str | None = Field(default=None, description="The bundle it exported, a path from the project's folder.")
    required: bool = Field(default=True, description="false: a stack or file that is not there yet is a warning.")
    min_nodes: int = Field(
        default=0, ge=0, description="Fewer nodes than this are refused, or those that were taken last stay."
    )
    forget: bool = Field(
        default=False, description="true, for one run: what was taken of it before no longer counts, as its nodes."
    )
    allow_inside: bool = Field(
        default=False,
        description="true: its nodes are dialled at names of this cluster (.svc), too, where both share it.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.stack is None) == (self.file is None):
            words = "neither stack nor file" if self.stack is None else "stack and file"
            raise fault(f"it gives {words}", "Give exactly one of stack and file.")
        return self

    def read_as(self, key: str | None) -> Partner:
        """How it is read: as a partner whose signing key is ours.

        Args:
            key: Our signing key; None where the seed is sealed and no output tells it.
        """
        given = {to_camel(name): value for name, value in self}
        return Partner.model_validate({**given, "key": key})


class Partner(Strict):
    """Another organisation: its stack, its bundle, or its nodes pasted by hand."""

    stack: str | None = Field(default=None, description="Its stack, as organization/project/stack.")
    file: str | None = Field(default=None, description="The bundle it sent, a path from the project's folder.")
    nodes: tuple[dict[str, Any], ...] | None = Field(
        default=None, description="Its nodes: records, or the Qubernetes spelling (Node_UserIdent, Enode_Url, …)."
    )
    required: bool = Field(default=True, description="false: a stack or file that is not there yet is a warning.")
    key: Annotated[str, AfterValidator(_signer)] | None = Field(default=None, description="Its signing key, pinned.")
    unsigned: bool = Field(default=False, description="true: a stack or file without a valid signature is accepted.")
    min_nodes: int = Field(
        default=0, ge=0, description="Fewer nodes than this are refused, or those that were taken last stay."
    )
    forget: bool = Field(
        default=False,
        description="true, for one run: what was taken of it before no longer counts, as its nodes, edition and key.",
    )
    allow_inside: bool = Field(
        default=False,
        description="true: its nodes are dialled at names of this cluster (.svc), at loopback and link-local "
        "addresses, too, as where both share a cluster; with accept: network, those that it hands on as well.",
    )
    accept: Accept = Field(
        default=Accept.OWN,
        description="network: profiles of others that it hands on are taken, too; only where a kind has profiles.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("stack", "file", "nodes") if getattr(self, name) is not None]
        if len(given) != 1:
            words = " and ".join(given) if given else "neither stack, file nor nodes"
            raise fault(f"it gives {words}", "Give exactly one of stack, file and nodes.")
        return self
