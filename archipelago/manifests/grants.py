"""What partners may do here: an identity's ServiceAccount, its rights in one namespace, a token for each partner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from archipelago.manifests import common
from archipelago.manifests.common import Manifest
from archipelago.settings.profiles import IdentitySettings, Rule, identities_of
from archipelago.stack.plan import StackPlan

IDENTITY, PARTNER = "archipelago/identity", "archipelago/partner"  # labels
TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - the type of a Secret
_RBAC = "rbac.authorization.k8s.io"


def account(identity: str, partner: str, written: IdentitySettings) -> str:
    """The ServiceAccount that a partner is: the identity's, unless it has rules of its own."""
    return identity if written.grants[partner].rules is None else f"{identity}-{partner}"


def token_secret(identity: str, partner: str, generation: int) -> str:
    """The Secret that holds a partner's token. A new generation is another Secret, and the old one goes."""
    return f"{identity}-{partner}" + (f"-g{generation}" if generation > 1 else "")


def identities(plan: StackPlan) -> Mapping[str, IdentitySettings]:
    """A stack's identities by name, sorted."""
    return dict(sorted((identities_of(plan.settings) or {}).items()))


def rights(plan: StackPlan, name: str) -> Iterator[Manifest]:
    """ServiceAccounts of an identity, and what they may do."""
    written = identities(plan)[name]
    yield from _account(plan, written, name, name, "", written.rules)
    for partner, grant in sorted(written.grants.items()):
        if grant.rules is not None:
            own = account(name, partner, written)
            yield from _account(plan, written, name, own, partner, grant.rules)


def tokens(plan: StackPlan, name: str) -> Iterator[tuple[str, Manifest]]:
    """A Secret for each partner; Kubernetes puts the token there, once the ServiceAccount is there.

    It never expires, and ends with the Secret: one partner is shut out without the others.
    """
    written = identities(plan)[name]
    for partner, grant in sorted(written.grants.items()):
        metadata = _metadata(plan, written, token_secret(name, partner, grant.generation), name, partner)
        metadata["annotations"] = {"kubernetes.io/service-account.name": account(name, partner, written)}
        yield partner, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": TOKEN}


def _account(
    plan: StackPlan, written: IdentitySettings, identity: str, name: str, partner: str, rules: Sequence[Rule]
) -> Iterator[Manifest]:
    def metadata() -> Manifest:
        return _metadata(plan, written, name, identity, partner)

    yield {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(),
        "automountServiceAccountToken": False,
    }
    yield {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "Role",
        "metadata": metadata(),
        "rules": [_rule(each) for each in rules],
    }
    yield {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": metadata(),
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": written.namespace}],
    }


def _rule(rule: Rule) -> Manifest:
    made: Manifest = {
        "apiGroups": list(rule.api_groups),
        "resources": list(rule.resources),
        "verbs": list(rule.verbs),
    }
    return made | ({"resourceNames": list(rule.resource_names)} if rule.resource_names else {})


def _metadata(plan: StackPlan, written: IdentitySettings, name: str, identity: str, partner: str) -> Manifest:
    labels = common.labels(plan) | {IDENTITY: identity} | ({PARTNER: partner} if partner else {})
    return {"name": name, "namespace": written.namespace, "labels": labels}
