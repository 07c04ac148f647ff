"""Pulumi components: thin translations of a plan into registered resources."""

from components.cluster import provider
from components.network import ChainNetwork
from components.program import plan_here

__all__ = ["ChainNetwork", "plan_here", "provider"]
