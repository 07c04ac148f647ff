"""The resolved toolchain: where every program is, and the environment in which Pulumi uses exactly these."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.tools.catalogue import PROVIDER_PLUGIN

PULUMI_TOOLS = ("pulumi", "kubernetes-provider")
"""Tools that `Toolchain.pulumi_environment` makes its environment of."""

_HOST = "pulumi-language-python"
_PROVIDER = "pulumi-resource-kubernetes"


@dataclass(frozen=True)
class Toolchain:
    """Programs by name.

    Args:
        programs: absolute path of every program that was resolved.
        sources: for people, by tool: which version, from where.
    """

    programs: dict[str, Path]
    sources: dict[str, str]

    def path(self, name: str) -> Path:
        """The path of a program.

        Args:
            name: for example `kube-apiserver`.

        Raises:
            LabError: the program was not resolved.
        """
        try:
            return self.programs[name]
        except KeyError:
            known = ", ".join(sorted(self.programs)) or "nothing"
            raise LabError(
                f"{name} is not part of this toolchain, which has {known}. "
                f"Resolve it with: archipelago lab tools {name}"
            ) from None

    def pulumi_environment(self, home: Path) -> dict[str, str]:
        """Environment variables with which `pulumi` runs from this toolchain alone and asks nobody for anything.

        Args:
            home: the folder that becomes PULUMI_HOME; the provider is linked into it as a plugin.

        Returns:
            The variables to set on top of an environment, PATH included. Where each comes from:
            `pulumi/sdk/go/common/env` and, for PULUMI_PYTHON_CMD, `sdk/python/toolchain/pip.go`.
        """
        self.path("pulumi")  # nothing here makes sense without it
        if _PROVIDER in self.programs:
            _link(self.path(_PROVIDER), home / "plugins" / PROVIDER_PLUGIN / _PROVIDER)
        folders = [str(self.path(name).parent) for name in ("pulumi", _HOST, "kubectl") if name in self.programs]
        return {
            "PATH": os.pathsep.join([*dict.fromkeys(folders), os.environ.get("PATH", os.defpath)]),
            "PULUMI_HOME": str(home),
            # The host that is built here does not read `runtime.options.virtualenv`.
            "PULUMI_PYTHON_CMD": sys.executable,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        }


def _link(target: Path, link: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    # Two commands of one lab may come here at once: a rename is the one way to be right for both.
    temporary = link.with_name(f".{link.name}-{os.getpid()}")
    temporary.unlink(missing_ok=True)
    try:
        temporary.symlink_to(target)
        temporary.replace(link)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        shutil.copy2(target, link)
