"""The protocols this version knows: a new one is a package beside this file and a line here."""

from __future__ import annotations

from archipelago.chains.cita_cloud.chain import CitaCloud
from archipelago.chains.contract import Chain
from archipelago.chains.goquorum.chain import GoQuorum

CHAINS: dict[str, Chain] = {chain.kind: chain for chain in (GoQuorum(), CitaCloud())}
