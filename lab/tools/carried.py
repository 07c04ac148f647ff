"""Finished tools in one archive, for machines that have no compiler or ask no registry, and for the caches of CI.

The archive is a gzipped tar: first `manifest.json`, then the files of each entry of the cache under the entry's name.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lab.errors import LabError
from lab.files import used
from lab.tools.builder import Builder, GoBuilder
from lab.tools.cache import Cache, complete
from lab.tools.catalogue import catalogue
from lab.tools.definitions import Tool

_MANIFEST = "manifest.json"
_MANIFEST_MOST = 1 << 20
_MOST = 8 << 30
"""Bytes that an archive may unpack to: four times what all tools have."""
_BLOCK = 1 << 20
_NAME = r"[a-z0-9]+([.-][a-z0-9]+)*"
_FILE = r"[A-Za-z0-9][A-Za-z0-9._+-]*"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _File(_Model):
    """A program by its content, or another name of one beside it."""

    size: int = Field(default=0, ge=0)
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    link: str = Field(default="", pattern=rf"^({_FILE})?$")


class _Entry(_Model):
    """A folder of the cache."""

    name: str = Field(pattern=rf"^{_NAME}$")
    key: str = Field(pattern=rf"^{_NAME}$")
    files: dict[str, _File]


class _Manifest(_Model):
    """What an archive says of itself."""

    version: int = Field(ge=1, le=1)
    system: str
    machine: str
    entries: list[_Entry]


@dataclass(frozen=True)
class Carried:
    """What came of carrying tools.

    Args:
        taken: entries that are in the archive now, or in the cache.
        there: those of an archive that the cache has already.
        foreign: those of an archive that this checkout has no use for.
    """

    taken: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


class Carrier:
    """Writes and reads archives of tools.

    Args:
        tools: what there is; by default everything of the lab.
        cache: where finished tools are.
        builder: knows the keys of builds.
    """

    def __init__(
        self, tools: Sequence[Tool] | None = None, cache: Cache | None = None, builder: Builder | None = None
    ) -> None:
        self._cache = cache if cache is not None else Cache()
        builder = builder if builder is not None else GoBuilder()
        self._programs: dict[tuple[str, str], set[str]] = {}
        for tool in catalogue() if tools is None else tools:
            for entry in ((tool.build.name, builder.key(tool.build)), (tool.name, tool.download_key)):
                self._programs.setdefault(entry, set()).update(tool.programs)

    def export(self, file: Path) -> Carried:
        """Write all finished tools that this checkout would use.

        Args:
            file: the archive; it appears whole, or not at all.

        Raises:
            LabError: there is none, or the file cannot be written.
        """
        folders = {entry: self._cache.entry(*entry) for entry in self._programs}
        there = {entry: each for entry, each in folders.items() if complete(each, self._programs[entry])}
        if not there:
            raise LabError("No tool of this checkout is finished yet. Make them with: archipelago lab tools")
        entries = [_Entry(name=name, key=key, files=_files(folder)) for (name, key), folder in there.items()]
        system = os.uname()
        manifest = _Manifest(version=1, system=system.sysname, machine=system.machine, entries=entries)
        partial = file.with_name(f".{file.name}-{os.getpid()}")
        try:
            with tarfile.open(partial, "w:gz", compresslevel=6) as archive:
                _add(archive, _MANIFEST, manifest.model_dump_json(indent=1).encode())
                for entry, folder in zip(entries, there.values(), strict=True):
                    _add_entry(archive, entry, folder)
            partial.replace(file)
        except OSError as error:
            raise LabError(f"{file} cannot be written: {error}. Name another file.") from error
        finally:
            partial.unlink(missing_ok=True)
        return Carried([folder.name for folder in there.values()])

    def take(self, file: Path) -> Carried:
        """Put the tools of an archive into the cache: those that this checkout uses and that are not there yet.

        Sums tell what was damaged on the way. Who made the archive they do not tell.

        Args:
            file: the archive.

        Raises:
            LabError: the archive is damaged, made for another kind of machine, or holds anything but what its manifest
                names. What was found right before is kept: entries are whole, each for itself.
        """
        try:
            with tarfile.open(file, "r:gz") as archive:
                members = _members(archive)
                manifest = _manifest(archive, members)
                _check(manifest, members)
                return self._take(archive, manifest)
        except (OSError, EOFError, tarfile.TarError) as error:
            raise LabError(f"{file} cannot be read: {error}. {_AGAIN}") from error
        except _RefusedError as why:
            raise LabError(f"{file} is refused: {why}. {_AGAIN}") from None

    def _take(self, archive: tarfile.TarFile, manifest: _Manifest) -> Carried:
        carried = Carried()
        with self._cache.lock(lambda: None):
            for entry in manifest.entries:
                folder = self._cache.entry(entry.name, entry.key)
                programs = self._programs.get((entry.name, entry.key))
                if programs is None:
                    carried.foreign.append(folder.name)
                elif complete(folder, programs):
                    used(folder)
                    carried.there.append(folder.name)
                elif lacking := sorted(programs - set(entry.files)):
                    raise _RefusedError(f"{folder.name} lacks {', '.join(lacking)}")
                else:
                    with self._cache.making(entry.name, entry.key) as fresh:
                        _unpack(archive, entry, fresh)
                    carried.taken.append(folder.name)
        return carried


class _RefusedError(Exception):
    """Why an archive is refused, as half a sentence."""


_AGAIN = "Make another one where the tools are: archipelago lab toolchain export FILE"


def _files(folder: Path) -> dict[str, _File]:
    found = {}
    for file in sorted(folder.iterdir()):
        if file.is_symlink():
            found[file.name] = _File(link=str(file.readlink()))
        else:
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            found[file.name] = _File(size=file.stat().st_size, sha256=digest)
    return found


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _add_entry(archive: tarfile.TarFile, entry: _Entry, folder: Path) -> None:
    for name, file in entry.files.items():
        member = tarfile.TarInfo(f"{folder.name}/{name}")
        member.mode = 0o755
        if file.link:
            member.type, member.linkname = tarfile.SYMTYPE, file.link
            archive.addfile(member)
        else:
            member.size = file.size
            with (folder / name).open("rb") as stream:
                archive.addfile(member, stream)


def _members(archive: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    found: dict[str, tarfile.TarInfo] = {}
    for member in archive:
        if member.name in found:
            raise _RefusedError(f"{member.name} is in it twice")
        if not (member.isreg() or member.issym()):
            raise _RefusedError(f"{member.name} is neither a file nor a link")
        found[member.name] = member
    return found


def _manifest(archive: tarfile.TarFile, members: dict[str, tarfile.TarInfo]) -> _Manifest:
    member = members.pop(_MANIFEST, None)
    if member is None or not member.isreg() or member.size > _MANIFEST_MOST:
        raise _RefusedError("it has no manifest")
    try:
        return _Manifest.model_validate_json(_open(archive, member).read())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise _RefusedError(f"its manifest is not of this version of the lab ({place}: {first['msg']})") from None


def _check(manifest: _Manifest, members: dict[str, tarfile.TarInfo]) -> None:
    """Hold everything in the archive against its manifest, before anything is written."""
    system = os.uname()
    if (manifest.system, manifest.machine) != (system.sysname, system.machine):
        made, ours = f"{manifest.system} {manifest.machine}", f"{system.sysname} {system.machine}"
        raise _RefusedError(f"it was made for {made}, and this machine is {ours}")
    named = dict(_named(manifest))
    if strange := sorted(set(members) ^ set(named)):
        raise _RefusedError(f"{strange[0]} is in the manifest or in the archive, and not in both")
    if sum(file.size for file in named.values()) > _MOST:
        raise _RefusedError(f"it would take more than {_MOST >> 30} GiB")
    for name, file in named.items():
        member = members[name]
        as_told = member.linkname == file.link if member.issym() else not file.link and member.size == file.size
        if not as_told:
            raise _RefusedError(f"{name} is not what its manifest says")


def _named(manifest: _Manifest) -> Iterator[tuple[str, _File]]:
    for entry in manifest.entries:
        for name, file in entry.files.items():
            if not re.fullmatch(_FILE, name):
                raise _RefusedError(f"{name!r} cannot name a program")
            target = entry.files.get(file.link) if file.link else None
            if file.link and (target is None or target.link):
                raise _RefusedError(f"{name} is a link to {file.link}, which is no file beside it")
            yield f"{entry.name}-{entry.key}/{name}", file


def _unpack(archive: tarfile.TarFile, entry: _Entry, folder: Path) -> None:
    for name, file in entry.files.items():
        place = folder / name
        if file.link:
            place.symlink_to(file.link)
            continue
        digest = hashlib.sha256()
        with (
            _open(archive, archive.getmember(f"{entry.name}-{entry.key}/{name}")) as source,
            place.open("xb") as target,
        ):
            while block := source.read(_BLOCK):
                digest.update(block)
                target.write(block)
        if digest.hexdigest() != file.sha256:
            raise _RefusedError(f"{name} was changed after it was packed")
        place.chmod(0o755)


def _open(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    stream = archive.extractfile(member)
    if stream is None:
        raise _RefusedError(f"{member.name} has no content")
    return stream
