"""What a stack file says of pods beside their containers: registries, labels, machines, users."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from archipelago.model.pod import USER, PodOptions, Security
from archipelago.settings.affinity import Affinity
from archipelago.settings.numbers import LARGEST_SIGNED, Within
from archipelago.settings.types import TEXTS, ObjectName, Strict, fault, text_of, texts

_PREFIX = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_WORD = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
# labels and annotations by which this program, its Services and the controllers of Kubernetes find pods
_OURS = ("archipelago/", "pulumi.com/", "statefulset.kubernetes.io/", "apps.kubernetes.io/")
_TAKEN = frozenset(
    {
        *("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/managed-by"),
        *("controller-revision-hash", "pod-template-hash", "node_name", "chain_name"),
    }
)
_ROOT = "no process of a node runs as root, and larger ones are no ids"
_LARGEST_ID = 2**31 - 1


def _secrets(value: Any) -> Any:
    """Names alone, one or several, or as Kubernetes has them: `{name: regcred}`."""
    if isinstance(value, (str, dict)):
        value = [value]
    if not isinstance(value, (list, tuple)):
        return value
    return [each["name"] if isinstance(each, dict) and set(each) == {"name"} else each for each in value]


def _key(name: str) -> str:
    prefix, slash, word = name.rpartition("/")
    if not _WORD.fullmatch(word) or (slash and not _PREFIX.fullmatch(prefix)):
        raise fault(f"{name!r} is no key of Kubernetes", "Write it as cost-centre, or with a domain: example.org/team.")
    return name


def _free(names: dict[str, Any]) -> dict[str, Any]:
    for name in names:
        _key(name)
        if name in _TAKEN or name.startswith(_OURS):
            cure = "Take it out: objects of the node are found by it. Choose a name of your own, as example.org/team."
            raise fault(f"{name} is set by this program or by Kubernetes", cure)
    return names


def _values(labels: dict[str, str | None]) -> dict[str, str | None]:
    for name, value in labels.items():
        if value and not _WORD.fullmatch(value):
            cure = "Use at most 63 letters, digits, '-', '_' and '.', a letter or digit at both ends."
            raise fault(f"{name} has a value that no label has: {value!r}", cure)
    return labels


def _selected(labels: dict[str, str | None]) -> dict[str, str | None]:
    for name in labels:
        _key(name)
    return _values(labels)


# a scalar, whatever YAML makes of it
_SELECTED = {"type": "object", "additionalProperties": True}
Labels = Annotated[
    dict[str, str],
    BeforeValidator(texts),
    AfterValidator(_free),
    AfterValidator(_values),
    WithJsonSchema(TEXTS),
]
Annotations = Annotated[dict[str, str], BeforeValidator(texts), AfterValidator(_free), WithJsonSchema(TEXTS)]
MachineLabels = Annotated[
    dict[str, str | None], BeforeValidator(texts), AfterValidator(_selected), WithJsonSchema(_SELECTED)
]
Id = Annotated[int, Within(1, _LARGEST_ID, _ROOT)]


class Toleration(Strict):
    """A taint of machines that a pod bears."""

    key: str = Field(default="", description="Of the taint; empty for all.")
    operator: Literal["Equal", "Exists"] = Field(default="Equal", description="Equal or Exists.")
    value: Annotated[str, BeforeValidator(text_of)] = Field(default="", description="Of the taint, for Equal.")
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(
        default="", description="NoSchedule, PreferNoSchedule or NoExecute; empty for all."
    )
    toleration_seconds: Annotated[int, Within(0, LARGEST_SIGNED, "Kubernetes reads a number of 64 bits")] | None = (
        Field(default=None, description="For how many seconds, of NoExecute; for ever if left out.")
    )

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.key:
            _key(self.key)
        if not self.key and self.operator == "Equal":
            raise fault("it names no key of a taint", "Add key: <its key>, or write operator: Exists for all taints.")
        if self.value and self.operator == "Exists":
            raise fault("operator Exists must have no value", "Take value out, or write operator: Equal.")
        if self.toleration_seconds is not None and self.effect != "NoExecute":
            raise fault("tolerationSeconds must stand beside effect NoExecute", "Add effect: NoExecute.")
        return self


class SecurityContext(Strict):
    """As whom the pod's processes run. Root, more rights and a writable root file system are not to be had."""

    run_as_user: Id | None = Field(
        default=None, description=f"Uid; default {USER}. Of a running node it changes with fsGroupChangePolicy: Always."
    )
    run_as_group: Id | None = Field(default=None, description=f"Gid; default {USER}.")
    fs_group: Id | None = Field(default=None, description=f"Gid of the files on its volumes; default {USER}.")
    supplemental_groups: tuple[Id, ...] = Field(default=(), description="More gids, as for a share of files.")
    fs_group_change_policy: Literal["OnRootMismatch", "Always"] = Field(
        default="OnRootMismatch", description="When files get fsGroup: OnRootMismatch or Always."
    )
    run_as_non_root: Literal[True] = Field(default=True, description="true, as always.")


class PodSettings(Strict):
    """What a pod is told beside its containers. Each change of these restarts it."""

    image_pull_secrets: Annotated[
        tuple[ObjectName, ...],
        BeforeValidator(_secrets),
        WithJsonSchema({"type": "array", "items": {"type": "string"}}),
    ] = Field(default=(), description="Secrets of its namespace with passwords of registries.")
    labels: Labels = Field(default={}, description="More labels of the pod and its workload.")
    pod_annotations: Annotations = Field(default={}, description="More annotations of the pod.")
    priority_class_name: ObjectName | None = Field(default=None, description="A PriorityClass of the cluster.")
    node_selector: MachineLabels = Field(
        default={}, description="Labels of the machines for it; null takes one back, kubernetes.io/arch included."
    )
    tolerations: tuple[Toleration, ...] = Field(
        default=(), description="Taints that it bears, as {key: chain, operator: Exists}."
    )
    affinity: Annotated[Affinity | None, WithJsonSchema({"type": "object"})] = Field(
        default=None, description="As Kubernetes has it; podAntiAffinity takes the place of ours."
    )
    security_context: SecurityContext = SecurityContext()

    @property
    def unsaid(self) -> frozenset[str]:
        """Keys of these that say nothing, by the names of the fields."""
        usual = NodePod()
        return frozenset(
            name
            for name in NodePod.model_fields.keys() & type(self).model_fields.keys()
            if getattr(self, name) == getattr(usual, name)
        )

    def or_as(self, others: PodSettings | None) -> PodSettings:
        """The same; what is unsaid here is as it is said there.

        Args:
            others: As the defaults of all nodes.
        """
        said = {name: getattr(others, name) for name in self.unsaid} if others else {}
        return self.model_copy(update=said)

    def pod(self, *, given_ids: bool) -> PodOptions:
        """What they say, for a plan.

        Args:
            given_ids: Whether the namespace gives uid and gids, as in OpenShift.
        """
        return PodOptions(
            pull_secrets=self.image_pull_secrets,
            labels=self.labels,
            annotations=self.pod_annotations,
            priority_class=self.priority_class_name or "",
            service_account=getattr(self, "service_account_name", None) or "",
            node_selector=self.node_selector,
            tolerations=tuple(map(_plain, self.tolerations)),
            affinity=_plain(self.affinity) if self.affinity else {},
            security=_security(self.security_context, None if given_ids else USER),
        )


class NodePod(PodSettings):
    """The same, of a node's pod."""

    service_account_name: ObjectName | None = Field(
        default=None, description="A ServiceAccount of its namespace; the pod gets no token of it."
    )


def _plain(given: Strict) -> dict[str, Any]:
    """As Kubernetes has it, and no more than was said."""
    return given.model_dump(by_alias=True, mode="json", exclude_unset=True, exclude_none=True)


def _security(given: SecurityContext, usual: int | None) -> Security:
    return Security(
        user=given.run_as_user or usual,
        group=given.run_as_group or usual,
        volumes=given.fs_group or usual,
        more_groups=given.supplemental_groups,
        change=given.fs_group_change_policy,
    )
