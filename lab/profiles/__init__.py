"""Kinds of lab: what a cluster is made of.

`control-plane` has real API servers and simulated nodes, `nodes` has real ones too.
"""

from lab.profiles.control_plane import ControlPlane
from lab.profiles.nodes import Nodes
from lab.profiles.profile import Part, Profile, Stage, tools

PROFILES: dict[str, Profile] = {profile.name: profile for profile in (ControlPlane(), Nodes())}
"""Every profile by its name."""

DEFAULT = ControlPlane.name

__all__ = ["DEFAULT", "PROFILES", "Part", "Profile", "Stage", "tools"]
