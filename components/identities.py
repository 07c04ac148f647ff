"""What partners may do here, and what is known of them: identities and Peers, as components."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pydantic import ValidationError

from archipelago.manifests import grants, peers
from archipelago.manifests.stack import known
from archipelago.profiles.access import Access
from archipelago.stack.plan import StackPlan
from components.register import register


class Identity(pulumi.ComponentResource):
    """An identity of ours: its ServiceAccount, its rights and a token for each partner.

    Nothing of it is retained: `destroy` revokes.

    Args:
        plan: The stack.
        name: Of the identity.
        after: What has to be there before anything of it.
        opts: Parent and provider.
    """

    accesses: dict[str, pulumi.Output[Access]]

    def __init__(
        self, plan: StackPlan, name: str, after: Sequence[pulumi.Resource], opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("archipelago:index:Identity", name, None, opts)
        plain = pulumi.ResourceOptions(parent=self, depends_on=after)
        rights = [register(each, plan.namespace, plain) for each in grants.rights(plan, name)]
        # Kubernetes deletes a token's Secret whose ServiceAccount it does not find
        later = pulumi.ResourceOptions(parent=self, depends_on=[*after, *rights])
        self.accesses = {}
        for partner, manifest in grants.tokens(plan, name):
            secret = register(manifest, plan.namespace, later)
            self.accesses[partner] = _access(plan, name, manifest["metadata"]["name"], secret)
        self.register_outputs({})


class Peers(pulumi.ComponentResource):
    """Others' identities, and the kubeconfigs that they gave us. They go with the stack, their kind does not.

    Args:
        plan: The stack.
        after: What has to be there before anything of it.
        opts: Parent and provider.
    """

    def __init__(self, plan: StackPlan, after: Sequence[pulumi.Resource], opts: pulumi.ResourceOptions) -> None:
        super().__init__("archipelago:index:Peers", plan.network, None, opts)
        keep = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        kind = [register(each, plan.namespace, keep) for each in peers.definition(plan)]
        child = pulumi.ResourceOptions(parent=self, depends_on=[*after, *kind])
        for each in known(plan):
            register(each, plan.namespace, child)
        self.register_outputs({})


def identities_of(
    plan: StackPlan, after: Sequence[pulumi.Resource], opts: pulumi.ResourceOptions
) -> dict[str, Identity]:
    """Register what partners may do, and what is known of them; nothing for a stack without either.

    Args:
        plan: The stack.
        after: What has to be there before anything of it.
        opts: Parent and provider.
    """
    if plan.exchange.peers:
        Peers(plan, after, opts)
    return {name: Identity(plan, name, after, opts) for name in grants.identities(plan)}


def tokens_of(identities: Mapping[str, Identity]) -> tuple[list[tuple[str, str]], pulumi.Output[list[Access]]]:
    """What the cluster gave: identity and partner of each token, and in the same order the tokens, still a secret."""
    keys = [(name, partner) for name, identity in identities.items() for partner in identity.accesses]
    return keys, pulumi.Output.all(*(identities[name].accesses[partner] for name, partner in keys))


def _access(plan: StackPlan, identity: str, secret: str, resource: pulumi.CustomResource) -> pulumi.Output[Access]:
    written = grants.identities(plan)[identity]
    cluster = plan.settings.cluster

    def told(data: Any) -> Any:
        held = {key: base64.b64decode(text).decode() for key, text in (data or {}).items()}
        if "token" not in held:  # the provider waits for some data, not for all
            if pulumi.runtime.is_dry_run():
                return pulumi.UNKNOWN
            raise pulumi.RunError(f"Secret {written.namespace}/{secret}: the cluster gave it no token. Run up again.")
        try:
            return Access(
                server=cluster.api_server,
                ca=cluster.api_server_ca or held.get("ca.crt", ""),
                token=held["token"],
                namespace=written.namespace,
            )
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise pulumi.RunError(f"Secret {written.namespace}/{secret}: {first['msg']}.") from None

    data: pulumi.Output[Any] = pulumi.Output.from_input(resource.data)  # type: ignore[attr-defined]  # made by `register`
    return data.apply(told)
