"""What a stack file says of identities: what is shown of a cluster, in which swarms, and whom it lets in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from archipelago.model.profile import LONGEST_NAME, LONGEST_TEXT, LONGEST_URL, MOST_CATEGORIES, MOST_SWARMS
from archipelago.settings.numbers import Generation
from archipelago.settings.types import Label, NamespaceName, Strict, fault

_SWARM = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(/[a-z]([-a-z0-9]*[a-z0-9])?){2}")
_WORD = re.compile(r"[A-Za-z0-9.*_-]+(/[A-Za-z0-9.*_-]+)?")
_RESERVED = "kubeconfig"  # the end of the names of Secrets with partners' kubeconfigs
# What makes more rights out of few: https://kubernetes.io/docs/concepts/security/rbac-good-practices
_ESCALATING = frozenset({"escalate", "bind", "impersonate"})
_CREDENTIALS = frozenset({"secrets", "serviceaccounts/token"})


def _shown(longest: int) -> Any:
    def check(text: str) -> str:
        if not text.isprintable() or len(text) > longest:
            words = f"it is longer than {longest} characters" if text.isprintable() else "it is not one line of text"
            raise fault(words, f"Write one line of at most {longest} characters; partners see it in a table.")
        return text

    return AfterValidator(check)


def _url(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise fault(f"{text!r} is no address of a cluster", "Write it as https://203.0.113.10.")
    return text


def _publication(text: str) -> str:
    if not _SWARM.fullmatch(text):
        raise fault(f"{text!r} names no swarm", "Write <namespace>/<pool>/<swarm>, as ipfs/public/archive.")
    return text


def _word(text: str) -> str:
    if text and not _WORD.fullmatch(text):
        raise fault(f"{text!r} is no word of a rule", "Write rules as Kubernetes has them: kubectl explain role.rules")
    return text


Text = Annotated[str, _shown(LONGEST_TEXT)]
Word = Annotated[str, AfterValidator(_word)]
Publication = Annotated[
    str, AfterValidator(_publication), WithJsonSchema({"type": "string", "pattern": f"^{_SWARM.pattern}$"})
]


class Rule(Strict):
    """One rule of a Role, in Kubernetes' own words."""

    api_groups: tuple[Word, ...] = Field(default=("",), min_length=1, description='API groups; "" is the core one.')
    resources: tuple[Word, ...] = Field(min_length=1, description="Kinds, in lower case and plural: pods, pods/log.")
    resource_names: tuple[Word, ...] = Field(default=(), description="Only objects of these names; all if left out.")
    verbs: tuple[Word, ...] = Field(min_length=1, description="get, list, watch, create, update, patch, delete.")

    @property
    def danger(self) -> str:
        """Why it is more than a partner should have; empty where it is not."""
        words = {*self.api_groups, *self.resources, *self.verbs}
        if stars := sorted(each for each in words if "*" in each):
            return f"{stars[0]!r} grants what nobody has listed"
        if found := sorted(_ESCALATING & set(self.verbs)):
            return f"the verb {found[0]} makes more rights out of these"
        if found := sorted(_CREDENTIALS & set(self.resources)):
            return f"{found[0]} are the credentials of others"
        return ""


READ_ONLY = (Rule.model_validate({"resources": ["pods", "services"], "verbs": ["get", "list", "watch"]}),)


class Grant(Strict):
    """What one partner may do under an identity: it gets a kubeconfig, sealed for it."""

    generation: Generation = Field(default=1, description="Counted up to give the partner another token, at once.")
    rules: tuple[Rule, ...] | None = Field(
        default=None, description="Rules for this partner alone, instead of the identity's."
    )


def _nothing(value: Any) -> Any:
    return {} if value is None else value


class IdentitySettings(Strict):
    """What this organisation shows of a cluster, and who may use it."""

    namespace: NamespaceName = Field(description="Where its ServiceAccount stands and its rights hold.")
    create_namespace: bool = Field(default=False, description="true: the namespace is made, and kept for ever.")
    name: Annotated[str, _shown(LONGEST_NAME)] = Field(default="", description="Name that is shown; default: its key.")
    description: Text = Field(default="", description="What it is, in a line.")
    url: Annotated[str, _shown(LONGEST_URL), AfterValidator(_url)] = Field(
        default="", description="Address of the cluster, as https://203.0.113.10."
    )
    categories: tuple[Annotated[str, _shown(LONGEST_NAME)], ...] = Field(
        default=(), max_length=MOST_CATEGORIES, description="What the cluster offers, as computing."
    )
    publish_to: tuple[Publication, ...] = Field(
        default=(),
        max_length=MOST_SWARMS,
        description="Swarms whose members see it, each as <namespace>/<pool>/<swarm>.",
    )
    rules: tuple[Rule, ...] = Field(
        default=READ_ONLY, description="What its ServiceAccount may do in its namespace; default: read pods, services."
    )
    grants: dict[Label, Annotated[Grant, BeforeValidator(_nothing)]] = Field(
        default={}, description="Partners that get a kubeconfig, by name."
    )
    unsafe: bool = Field(default=False, description="true: rules may hold wildcards, secrets, escalate, bind.")
    revision: Generation = Field(
        default=1, description="Least revision of its profile; raised where partners know a later one."
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for field, listed in (("categories", self.categories), ("publishTo", self.publish_to)):
            if twice := [each for each, count in Counter(listed).items() if count > 1]:
                raise fault(f"{field} has {twice[0]!r} twice", "Write it once.")
        for partner, rules in [("", self.rules), *((name, each.rules or ()) for name, each in self.grants.items())]:
            where = f"grants.{partner}.rules" if partner else "rules"
            for index, rule in enumerate(rules):
                if rule.danger and not self.unsafe:
                    cure = "Name what is needed and no more, or take the risk on with unsafe: true."
                    raise fault(f"{where}[{index}]: {rule.danger}", cure)
        if reserved := [each for each in self.grants if each == _RESERVED or each.endswith(f"-{_RESERVED}")]:
            cure = "Name the partner otherwise: Secrets with partners' kubeconfigs are named so."
            raise fault(f"grants.{reserved[0]}: no partner's name may end so", cure)
        return self


Identities = dict[Label, IdentitySettings]


def identities_of(settings: Any) -> Mapping[str, IdentitySettings] | None:
    """The identities of a stack; None where its kind of network knows none."""
    found: Mapping[str, IdentitySettings] | None = getattr(settings, "identities", None)
    return found


def with_identities(namespaces: Mapping[str, bool], identities: Mapping[str, IdentitySettings]) -> dict[str, bool]:
    """A stack's namespaces and those of its identities, and whether the stack makes each."""
    found = dict(namespaces)
    for each in identities.values():
        found[each.namespace] = found.get(each.namespace, False) or each.create_namespace
    return found


def place_of(namespace: str, identities: Mapping[str, IdentitySettings]) -> str:
    """Where an identity names a namespace in the stack file; empty where none does."""
    named = sorted(identities.items(), key=lambda pair: (not pair[1].create_namespace, pair[0]))
    return next((f"identities.{name}.namespace" for name, each in named if each.namespace == namespace), "")
