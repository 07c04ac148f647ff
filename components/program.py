"""What a Pulumi program has to await before it registers anything: settings, partners, its own last outputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi.runtime.config import CONFIG, get_config_env
from pulumi.runtime.invoke import invoke_async

from archipelago.chains.registry import CHAINS
from archipelago.checks.settings import problems
from archipelago.settings.models import Cluster
from archipelago.settings.read import Settings, read
from archipelago.settings.stack_file import from_engine
from archipelago.stack.partners import bundle_of, read_files
from archipelago.stack.plan import StackPlan, plan_stack

# An engine built-in that no SDK calls: pinned by tests/engine, and the only place that knows it.
_READ_OUTPUTS = "pulumi:pulumi:readStackOutputs"
_KEYS = ("externalNodes", "network", "identities")


async def plan_here() -> StackPlan:
    """Plan the stack that the engine runs.

    Raises:
        Refused: Something is wrong with what was written or received; nothing was registered.
    """
    source = f"Pulumi.{pulumi.get_stack()}.yaml"
    config = from_engine({**get_config_env(), **CONFIG.get()})
    settings = read(config, source, CHAINS, lambda found: problems(found, CHAINS))
    root = Path.cwd()
    received: dict[str, Mapping[str, Any] | None] = dict(read_files(settings, root, source))
    for name, partner in settings.partners.items():
        if partner.stack:
            received[name] = await _stack(name, partner.stack, required=partner.required)
    here = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    last = await _read_outputs(here) or {}
    chain = CHAINS[settings.network.kind]
    plan = plan_stack(settings, chain, pulumi.get_stack(), received, last, root, source)
    for warning in plan.warnings:
        pulumi.log.warn(warning)
    return plan


async def _stack(name: str, stack: str, *, required: bool) -> Mapping[str, Any] | None:
    """A partner's stack. A required one is a visible dependency, and a typo in its name is fatal."""
    if required:
        reference = pulumi.StackReference(name, stack_name=stack)
        return bundle_of({key: (await reference.get_output_details(key)).value for key in _KEYS})
    outputs = await _read_outputs(stack)
    return None if outputs is None else bundle_of(outputs)


async def _read_outputs(stack: str) -> Mapping[str, Any] | None:
    """Another stack's outputs, or None where there is no such stack."""
    try:
        found = await invoke_async(_READ_OUTPUTS, {"name": stack})
    except Exception as error:  # the engine's refusal arrives as a bare Exception
        if "unknown stack" in str(error):
            return None
        raise
    outputs: Mapping[str, Any] = found["outputs"]
    return outputs


def provider(settings: Settings, stack: str) -> kubernetes.Provider:
    """The one provider of a stack; the ambient kubeconfig is used only where the settings name none.

    Args:
        settings: Ours.
        stack: Name of the stack.
    """
    cluster: Cluster = settings.cluster
    if not cluster.context:
        pulumi.log.info("archipelago:cluster.context is not set: the kubeconfig's current context is used.")
    return kubernetes.Provider(
        "cluster",
        context=cluster.context or None,
        kubeconfig=str(Path(cluster.kubeconfig).expanduser()) if cluster.kubeconfig else None,
        # A renewed certificate or a moved API server is the same cluster; without this everything would be replaced.
        cluster_identifier=f"{settings.organisation}.{stack}",
        # A changed ConfigMap or Secret is an update; by default it would be deleted with all that mounts it.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        # The default throttles a large network's preview to a third of its speed.
        kube_client_settings={"qps": 1000, "burst": 2000},
    )
