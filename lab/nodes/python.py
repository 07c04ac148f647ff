"""Python's image where no registry answers: the interpreter that runs the lab, with the libraries that it loads.

It lies in /usr/local, as in the image whose place it takes, but it is of this machine's release and without pip.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lab.nodes.archive import Image
from lab.nodes.run import run

TAG = "3.13-slim"
"""Of the image whose place is taken. Releases of one minor version stand under it in turn."""

OWN = f"lab.local/python:{platform.python_version()}"
"""The name under which the image made here says what it is."""

_RELEASE = f"python{sys.version_info.major}.{sys.version_info.minor}"
_LEFT_OUT = {"__pycache__", "dist-packages", "ensurepip", "idlelib", "lib2to3", "site-packages", "test", "tkinter"}
"""Folders of the standard library that no program in a pod asks for."""


def image(names: Sequence[str], shell: Mapping[str, Path], links: Mapping[str, str]) -> Image:
    """The image.

    Args:
        names: references of the image whose place it takes.
        shell: busybox and what it loads, by path in the image.
        links: what busybox can, by path in the image.
    """
    program = Path(sys.executable).resolve()
    library = Path(sysconfig.get_path("stdlib"))
    files = {**shell, f"/usr/local/bin/{_RELEASE}": program}
    files |= {f"/usr/local/lib/{_RELEASE}/{file.relative_to(library)}": file for file in _parts(library)}
    loaded = dict(_loaded([program, *(file for file in files.values() if file.suffix == ".so")]))
    return Image(
        (*names, OWN),
        {**loaded, **files},
        {**links, **{f"/usr/local/bin/{name}": _RELEASE for name in ("python", "python3")}},
        ("python3",),
        # not every machine's loader looks by itself where this machine has its libraries
        (f"LD_LIBRARY_PATH={':'.join(sorted({str(Path(each).parent) for each in loaded}))}",),
        labels={"lab.local/stands-for": names[0], "lab.local/made-of": f"{program}, {sys.version}"},
    )


def _parts(folder: Path) -> Iterator[Path]:
    """The standard library's files; tkinter's half in C and the files of a build apart."""
    for each in sorted(folder.iterdir()):
        if each.is_dir():
            if each.name not in _LEFT_OUT and not each.name.startswith("config-"):
                yield from _parts(each)
        elif each.suffix in (".py", ".so", ".txt") and not each.name.startswith("_tkinter"):
            yield each


def _loaded(programs: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """What the loader would load for programs and libraries, itself included: path in the image, and file."""
    found = run("ldd", *(str(each) for each in programs))
    for place in sorted(set(re.findall(r"(?:=> |^\s+)(/\S+) \(0x", found, re.MULTILINE))):
        yield os.path.normpath(place), Path(place).resolve()
