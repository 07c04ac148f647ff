"""Whole numbers of a stack file within what the programs read that get them; a refusal says why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from archipelago.settings.types import fault

LARGEST_EXACT = 2**53 - 1  # numbers cross stacks as floats
LARGEST_SIGNED = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Within:
    """The bounds of a whole number, as metadata of its field.

    Args:
        least: The smallest one that is accepted.
        most: The largest one.
        reason: Why, as a clause.
    """

    least: int
    most: int
    reason: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Whole numbers, then their range."""
        whole = core_schema.no_info_before_validator_function(_whole, handler(source))
        return core_schema.no_info_after_validator_function(self._checked, whole)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The range in a schema's words."""
        return handler(schema) | {"minimum": self.least, "maximum": self.most}

    def _checked(self, value: int) -> int:
        if not self.least <= value <= self.most:
            words = f"{value} is out of range: it must be from {self.least} to {self.most}, because {self.reason}"
            raise fault(words, "Choose a number in the range.")
        return value


def _whole(value: Any) -> Any:
    """A number that the engine gave as a float, and no truth value: pydantic takes true for 1."""
    if isinstance(value, bool):
        raise fault(f"it must be a number, got {str(value).lower()}", "Choose a number in the range.")
    return int(value) if isinstance(value, float) and value.is_integer() else value


Generation = Annotated[int, Within(1, LARGEST_EXACT, "it crosses stacks as a float, and 1 is the first one")]
