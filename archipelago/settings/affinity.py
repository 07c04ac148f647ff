"""A pod's affinity as a stack file says it: Kubernetes' own words, held to its rules before anything is made.

Source: the reference of `PodSpec.affinity` (kubectl explain pod.spec.affinity), and the API server's validation.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from archipelago.settings.numbers import Within
from archipelago.settings.types import NamespaceName, PodLabels, Strict, fault

_VALUES = ("In", "NotIn")
_NUMBERS = ("Gt", "Lt")
Weight = Annotated[int, Within(1, 100, "Kubernetes weighs wishes so")]


def _said(text: str) -> str:
    if not text:
        raise fault("it must name a label, got an empty text", "Write the label's key, as kubernetes.io/hostname.")
    return text


Key = Annotated[str, AfterValidator(_said)]


class Expression(Strict):
    """One demand on labels."""

    key: Key
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.operator in _VALUES and not self.values:
            raise fault(f"{self.operator} must have values, got none", "Add values: [<value>].")
        if self.operator in _NUMBERS and not (len(self.values) == 1 and self.values[0].lstrip("-").isdecimal()):
            raise fault(
                f"{self.operator} must have one whole number as its value", 'Write it in quotes: values: ["4"].'
            )
        if self.operator not in (*_VALUES, *_NUMBERS) and self.values:
            raise fault(f"{self.operator} must have no values", "Take values out, or write operator: In.")
        return self


class LabelExpression(Expression):
    """One demand on the labels of pods or namespaces."""

    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]


class Selector(Strict):
    """Labels of pods or namespaces."""

    match_labels: PodLabels = Field(default={})
    match_expressions: tuple[LabelExpression, ...] = ()


class Machines(Strict):
    """Demands that a machine meets together."""

    match_expressions: tuple[Expression, ...] = ()
    match_fields: tuple[Expression, ...] = ()


class AnyOf(Strict):
    """Machines, one of several."""

    node_selector_terms: tuple[Machines, ...]

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.node_selector_terms:
            raise fault("it must have nodeSelectorTerms, got none", "Add one, or take the requirement out.")
        return self


class WeighedMachines(Strict):
    """A wish for machines."""

    weight: Weight
    preference: Machines


class NodeAffinity(Strict):
    """On which machines."""

    required_during_scheduling_ignored_during_execution: AnyOf | None = None
    preferred_during_scheduling_ignored_during_execution: tuple[WeighedMachines, ...] = ()


class Pods(Strict):
    """Pods beside which, or apart from which."""

    topology_key: Key
    label_selector: Selector | None = None
    namespaces: tuple[NamespaceName, ...] = ()
    namespace_selector: Selector | None = None


class WeighedPods(Strict):
    """A wish for pods."""

    weight: Weight
    pod_affinity_term: Pods


class PodAffinity(Strict):
    """Beside which pods, or apart from which."""

    required_during_scheduling_ignored_during_execution: tuple[Pods, ...] = ()
    preferred_during_scheduling_ignored_during_execution: tuple[WeighedPods, ...] = ()


class Affinity(Strict):
    """Where a pod runs."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None
