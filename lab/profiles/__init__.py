"""Kinds of lab: what a cluster is made of.

`control-plane` has real API servers and simulated nodes. A profile with real containers goes beside it, in a module of
its own and one line of `PROFILES`.
"""

from lab.profiles.control_plane import ControlPlane
from lab.profiles.profile import Part, Profile, Stage

PROFILES: dict[str, Profile] = {profile.name: profile for profile in (ControlPlane(),)}
"""Every profile by its name."""

DEFAULT = ControlPlane.name

__all__ = ["DEFAULT", "PROFILES", "Part", "Profile", "Stage"]
