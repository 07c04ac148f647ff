"""Kinds of lab: what a cluster is made of.

`control-plane` has real API servers and simulated nodes, `nodes` has real ones too.
"""

from collections.abc import Sequence

from lab.errors import LabError
from lab.profiles.control_plane import ControlPlane
from lab.profiles.nodes import Nodes
from lab.profiles.profile import Part, Profile, Stage, tools
from lab.tools.toolchain import PULUMI_TOOLS

PROFILES: dict[str, Profile] = {profile.name: profile for profile in (ControlPlane(), Nodes())}
"""Every profile by its name."""

DEFAULT = ControlPlane.name

BESIDES: dict[str, Sequence[str]] = {name: more for profile in PROFILES.values() for name, more in profile.more.items()}
"""The tools of what clusters of some profile can have besides, by the word for it."""


def asked_for(names: Sequence[str] = (), besides: Sequence[str] = ()) -> tuple[str, ...]:
    """The tools that are meant where no cluster is named.

    Args:
        names: tools or programs; without any, Pulumi and what all profiles need.
        besides: words of `BESIDES`, whose tools are added.

    Raises:
        LabError: there is no such thing.
    """
    for name in besides:
        if name not in BESIDES:
            raise LabError(f"There is nothing called {name} to have besides. Take: {', '.join(BESIDES)}")
    needed = names or (*PULUMI_TOOLS, *(tool for profile in PROFILES.values() for tool in profile.tools))
    return tuple(dict.fromkeys((*needed, *(tool for name in besides for tool in BESIDES[name]))))


__all__ = ["BESIDES", "DEFAULT", "PROFILES", "Part", "Profile", "Stage", "asked_for", "tools"]
