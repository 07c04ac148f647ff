"""The protocols this version knows: a new one is a package beside this file and a line here."""

from __future__ import annotations

from archipelago.chains.accounts import AccountKind
from archipelago.chains.cita_cloud import account_folder
from archipelago.chains.cita_cloud.chain import CitaCloud
from archipelago.chains.cita_cloud.runner_k8s.takeover import RunnerK8s
from archipelago.chains.contract import Chain
from archipelago.chains.goquorum.chain import GoQuorum
from archipelago.chains.ipfs.chain import Ipfs
from archipelago.chains.ipfs.swarmpool import SwarmPools
from archipelago.chains.takeover import Importer, Translator

CHAINS: dict[str, Chain] = {chain.kind: chain for chain in (GoQuorum(), CitaCloud(), Ipfs())}
# accounts that are made outside of any stack, by what the command line calls them
ACCOUNTS: dict[str, AccountKind] = {**account_folder.KINDS}
# networks that other tools made, by the tool
IMPORTERS: dict[str, Importer] = {"runner-k8s": RunnerK8s()}
# objects that other tools' controllers follow, by the kind that names the tool
TRANSLATORS: dict[str, Translator] = {"swarmpool": SwarmPools()}
