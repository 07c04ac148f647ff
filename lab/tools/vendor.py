"""The second place to look for a tool: what its vendor serves, held against the vendor's own checksum file."""

from __future__ import annotations

import hashlib
import http.client
import os
import tarfile
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from lab.tools.definitions import Download, Tool
from lab.tools.report import Tick

CONNECT_WITHIN = 3.0
"""Seconds in which a vendor's checksum file has to arrive; decided once per host and run."""

_STALLED_AFTER = 15.0
"""Seconds without a byte after which a download is given up."""

_BLOCK = 1 << 18


class VendorError(Exception):
    """Why a vendor's file cannot be used, as half a sentence."""


class Vendor:
    """Downloads from the vendors of the tools.

    Setting ARCHIPELAGO_OFFLINE to anything makes it answer at once that nothing can be reached.

    Args:
        connect_within: seconds to wait for a vendor's first answer.
    """

    def __init__(self, connect_within: float = CONNECT_WITHIN) -> None:
        self._within = connect_within
        self._refused: dict[str, str] = {}
        self._checksums: dict[str, str] = {}

    def ask(self, tools: Sequence[Tool]) -> None:
        """Find out which vendors can be reached, all at once, by fetching one checksum file of each host.

        A name look-up knows no time limit, so each question has a thread of its own that is not waited for longer
        than the limit.
        """
        first_of_host: dict[str, str] = {}
        for download in (download for tool in tools for download in tool.downloads):
            host = urlsplit(download.checksums).netloc
            if host not in self._refused and download.checksums not in self._checksums:
                first_of_host.setdefault(host, download.checksums)
        if os.environ.get("ARCHIPELAGO_OFFLINE"):
            self._refused.update(dict.fromkeys(first_of_host, "not asked (ARCHIPELAGO_OFFLINE is set)"))
            return
        threads = []
        for host, url in first_of_host.items():
            self._refused[host] = f"no answer within {self._within:g} s"
            thread = threading.Thread(target=self._question, args=(host, url), daemon=True)
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join(self._within + 0.5)

    def _question(self, host: str, url: str) -> None:
        try:
            text = _fetch_text(url, self._within)
        except urllib.error.HTTPError as error:
            # The host is there. Whether this file is missing shows again when the file is wanted.
            self._refused[host] = f"answered {error.code}"
            if error.code == http.client.NOT_FOUND:
                del self._refused[host]
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._refused[host] = f"not reachable ({_short(error)})"
        else:
            self._checksums[url] = text
            self._refused.pop(host, None)

    def offer(self, tool: Tool) -> None:
        """Check that a tool can be had from its vendor at all.

        Raises:
            VendorError: there is nothing to download, or the host cannot be reached.
        """
        if not tool.downloads:
            raise VendorError("its vendor publishes no checksums, so nothing is downloaded")
        for download in tool.downloads:
            host = urlsplit(download.url).netloc
            if host in self._refused:
                raise VendorError(f"{host}: {self._refused[host]}")

    def fetch(self, tool: Tool, folder: Path, tick: Tick) -> None:
        """Download a tool's programs into a folder, each checked before it gets there.

        Args:
            tool: what to download.
            folder: where the programs go, executable.
            tick: told how far the download is.

        Raises:
            VendorError: unreachable, missing, cut short, or not what the checksum file says.
        """
        self.offer(tool)
        for download in tool.downloads:
            name = Path(urlsplit(download.url).path).name
            file = folder / f".download-{name}"
            try:
                expected = self._expected(download, name)
                actual = _download(download.url, file, tick)
                if actual != expected:
                    raise VendorError(f"{name} has the checksum {actual[:12]}…, its vendor says {expected[:12]}…")
                _unpack(file, download, folder)
            except VendorError:
                raise
            except (OSError, http.client.HTTPException, tarfile.TarError, KeyError) as error:
                raise VendorError(f"{name}: {_short(error)}") from error
            finally:
                file.unlink(missing_ok=True)

    def _expected(self, download: Download, name: str) -> str:
        """The SHA-256 for a file, from a list in the format of `sha256sum` or from a file with nothing but the sum."""
        text = self._checksums.get(download.checksums)
        if text is None:
            text = self._checksums[download.checksums] = _fetch_text(download.checksums, _STALLED_AFTER)
        lines = [line.split() for line in text.splitlines() if line.strip()]
        for words in lines:
            if len(words) > 1 and words[-1].lstrip("*").rsplit("/", 1)[-1] == name:
                return words[0].lower()
        if len(lines) == 1 and len(lines[0]) == 1:
            return lines[0][0].lower()
        raise VendorError(f"the vendor's checksum file does not name {name}")


def _fetch_text(url: str, within: float) -> str:
    with urllib.request.urlopen(url, timeout=within) as answer:  # noqa: S310 - addresses come from the catalogue
        content: bytes = answer.read(1 << 20)
    return content.decode("utf-8", errors="replace")


def _download(url: str, file: Path, tick: Tick) -> str:
    digest = hashlib.sha256()
    with urllib.request.urlopen(url, timeout=_STALLED_AFTER) as answer, file.open("wb") as stream:  # noqa: S310 - as above
        length = int(answer.headers.get("Content-Length") or 0)
        done = 0
        while block := answer.read(_BLOCK):
            stream.write(block)
            digest.update(block)
            done += len(block)
            tick(f"{done >> 20} of {length >> 20} MB" if length else f"{done >> 20} MB")
    if length and done != length:
        raise VendorError(f"{file.name.removeprefix('.download-')} was cut short after {done} of {length} bytes")
    return digest.hexdigest()


def _unpack(file: Path, download: Download, folder: Path) -> None:
    for program, member in download.members.items():
        target = folder / program
        if not member:
            target.write_bytes(file.read_bytes())
        else:
            with tarfile.open(file) as archive:
                names = {name.removeprefix("./"): name for name in archive.getnames()}
                content = archive.extractfile(names[member])
                if content is None:
                    raise KeyError(member)
                target.write_bytes(content.read())
        target.chmod(0o755)


def _short(error: BaseException) -> str:
    # The reason is what lies under a URLError; of an HTTPError it is only the words without the number.
    reason = None if isinstance(error, urllib.error.HTTPError) else getattr(error, "reason", None)
    return str(reason or error).strip() or type(error).__name__
