"""Versions as programs print them: found in running text, compared by number."""

from __future__ import annotations

import re
from dataclasses import dataclass

_VERSION = re.compile(r"(?<![\d.])v?(\d+)\.(\d+)(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_UNFINISHED = re.compile(r"^(alpha|beta|rc|pre|dev)", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Version:
    """A version in the order of semantic versioning, as far as a minimum needs it.

    An unfinished release (`-alpha.1`, `-rc.0`) sorts below the finished one. Any other suffix does not count:
    distributions append their own (`1.36.3-gke.1`, `1.36.3+k3s1`).
    """

    major: int
    minor: int
    patch: int
    finished: bool = True
    suffix: str = ""

    @classmethod
    def find(cls, text: str) -> Version | None:
        """The first version in a text, for example in what `program --version` prints.

        Args:
            text: any text; `v` in front is allowed, build metadata after `+` is dropped.

        Returns:
            The version, or None where the text holds none.
        """
        match = _VERSION.search(text)
        if match is None:
            return None
        major, minor, patch, suffix = match.groups()
        suffix = suffix or ""
        unfinished = bool(_UNFINISHED.match(suffix))
        return cls(int(major), int(minor), int(patch or 0), not unfinished, suffix)

    @classmethod
    def parse(cls, text: str) -> Version:
        """The version that a text consists of.

        Args:
            text: for example `v1.36.3`.

        Raises:
            ValueError: the text is not a version.
        """
        found = cls.find(text.strip())
        if found is None or not _VERSION.fullmatch(text.strip()):
            raise ValueError(f"{text!r} is not a version such as 1.36.3")
        return found

    def at_least(self, minimum: Version) -> bool:
        """Whether this version is the minimum or newer, suffixes of distributions aside."""
        mine = (self.major, self.minor, self.patch, self.finished)
        return mine >= (minimum.major, minimum.minor, minimum.patch, minimum.finished)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}" + (f"-{self.suffix}" if self.suffix else "")
