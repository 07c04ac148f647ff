"""A lab: local clusters to run the whole program on, and the backend its stacks live in."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

from lab import kubeconfig, processes, state
from lab.cluster import Cluster
from lab.errors import LabError
from lab.files import cache_folder, exclusive, write_new
from lab.processes import MARKER, PART
from lab.profiles import DEFAULT, PROFILES, Profile, tools
from lab.running import bring_up
from lab.say import Say
from lab.settling import Wanted, settle
from lab.state import LabState
from lab.tools import Toolchain

_ENTRIES = ("clusters", "backends", "passphrases", "pulumi-home", "kubeconfig", "logs", "lab.json")
"""All that a lab makes in its folder, and so all that `purge` deletes."""

_WATCHER = "lab/watcher"


def default_folder() -> Path:
    """Where a lab lives that was given no folder."""
    return cache_folder() / "lab" / "default"


class Lab:
    """A lab in a folder. Nothing happens before `up`.

    Args:
        folder: where its state lives; by default one in the user's cache directory.
    """

    def __init__(self, folder: Path | None = None) -> None:
        # Resolved, because the folder's name marks the processes.
        self.folder = (folder if folder is not None else default_folder()).resolve()

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig with one context for each cluster: `lab-a`, `lab-b` and so on."""
        return self.folder / "kubeconfig"

    def state(self) -> LabState | None:
        """What the lab keeps about itself; None before its first `up`."""
        return state.read(self.folder)

    def clusters(self) -> list[Cluster]:
        """The lab's clusters, running or not.

        Raises:
            LabError: the lab's state cannot be read.
        """
        known = self.state()
        if known is None:
            return []
        fixed = PROFILES[known.profile].fixed_ports
        return [
            Cluster(name, self.folder, {**fixed, **entry.ports}, known.network)
            for name, entry in known.clusters.items()
        ]

    def cluster(self, name: str) -> Cluster:
        """One cluster by its letter.

        Raises:
            LabError: the lab has no such cluster.
        """
        known = self.clusters()
        for cluster in known:
            if cluster.name == name:
                return cluster
        names = ", ".join(cluster.name for cluster in known) or "none yet"
        raise LabError(f"The lab has no cluster {name} (it has {names}). Start them with: {self.command('up')}")

    def profile(self, wanted: str | None = None) -> Profile:
        """The kind of clusters that the lab has, or will have.

        Args:
            wanted: its name; by default what the lab already is, else `control-plane`.

        Raises:
            LabError: there is no such profile, or the lab is of another one.
        """
        known = self.state()
        name = wanted or (known.profile if known else DEFAULT)
        if name not in PROFILES:
            raise LabError(f"There is no profile {name}. Try: {self.command('up')} --profile {DEFAULT}")
        if known is not None and known.profile != name:
            raise LabError(
                f"The lab in {self.folder} has the profile {known.profile}. Use another folder for {name} (--dir), "
                f"or delete this one: {self.command('down')} --purge"
            )
        return PROFILES[name]

    def equip(self, profile: str | None, say: Say, besides: Sequence[str] = ()) -> tuple[str, ...]:
        """Get the machine what such clusters need; before the toolchain, which is built with some of it.

        Args:
            profile: see `profile`.
            say: told what happens, a line at a time.
            besides: what of `Profile.more` they are to have.

        Returns:
            The names of the tools that they need.

        Raises:
            LabError: see `profile`; or this machine cannot have them.
        """
        kind = self._able(profile)
        names = tools(kind, besides)
        kind.equip(say, besides)
        return names

    def _able(self, profile: str | None) -> Profile:
        kind = self.profile(profile)
        if obstacle := kind.obstacle():
            raise LabError(f"{obstacle} Or take simulated nodes: {self.command('up')} --profile {DEFAULT}")
        return kind

    def command(self, name: str) -> str:
        """The command line of a subcommand for this lab, for messages."""
        where = "" if self.folder == default_folder().resolve() else f" --dir {shlex.quote(str(self.folder))}"
        return f"archipelago lab {name}{where}"

    def up(
        self,
        toolchain: Toolchain,
        *,
        clusters: int = 2,
        profile: str | None = None,
        new_ports: bool = False,
        owner: int | None = None,
        say: Say = lambda _line: None,
    ) -> bool:
        """Start whatever does not run, and return when every cluster is ready.

        Data and ports of an earlier run are used again, also after a crash or a reboot. A port that others have
        remembered (the API server's) and that is taken now is an error; one that nobody has is chosen anew.

        Args:
            toolchain: the tools of the profile, resolved after `equip`.
            clusters: how many clusters there are to be; those of an earlier, larger lab stay.
            profile: the kind of clusters; by default what the lab already is, or `control-plane`.
            new_ports: choose all ports anew where they are taken, API servers' included.
            owner: the number of a process with which the lab ends and is deleted, even if it is killed (for tests).
            say: told what happens, a line at a time.

        Returns:
            Whether anything had to be started.

        Raises:
            LabError: see above; or a part did not come up, with the place of its log.
        """
        if not sys.platform.startswith("linux"):
            raise LabError(
                "The lab needs Linux: it finds its processes in /proc. Use clusters of your own instead: "
                "make demo A=<kubeconfig context> B=<kubeconfig context>"
            )
        with self._lock(say):
            known = self.state()
            kind = self._able(profile)
            running = processes.parts(self.folder)
            settled = settle(self, kind, known, Wanted(clusters, new_ports), running, say)
            if settled != known:
                state.write(self.folder, settled)
            if owner is not None:
                self._watch(owner, running)
            members = self.clusters()
            for cluster in members:
                kind.prepare(cluster)
            self._write_kubeconfig(members)
            with ThreadPoolExecutor(max_workers=len(members)) as pool:
                starts = [pool.submit(bring_up, kind, member, toolchain, running, say) for member in members]
            results = [start.result() for start in starts]  # all of them: an error must not hide behind a start
            return any(results)

    def down(self, *, purge: bool = False, say: Say = lambda _line: None) -> int:
        """End every process that belongs to the lab: clusters, and whatever else was started with its environment.

        This process and its ancestors stay, even if they carry the lab's marker.

        Args:
            purge: also delete what the lab keeps in its folder.
            say: told what happens, a line at a time.

        Returns:
            How many processes were ended.
        """
        with self._lock(say):
            kind, members = PROFILES[DEFAULT], list[Cluster]()
            with contextlib.suppress(LabError):  # a damaged state must not keep anything alive
                kind, members = self.profile(), self.clusters()
            running = processes.parts(self.folder)
            with ThreadPoolExecutor(max_workers=len(members) or 1) as pool:
                list(pool.map(lambda member: kind.quiet(member, running), members))
            groups = [_is_one_of(tuple(group)) for group in kind.last]
            ended = processes.end_marked(self.folder, groups)
            for member in members:
                kind.clear(member)
            if purge:
                self._purge()
            return ended

    def stack_environment(self, organisation: str, toolchain: Toolchain, backend: str = "shared") -> dict[str, str]:
        """Environment variables with which an organisation runs `pulumi` in this lab.

        Args:
            organisation: whose stacks; each has a passphrase of its own, made at the first call.
            toolchain: with the tool `pulumi` and the Kubernetes provider.
            backend: the name of the backend's folder. Organisations that share one can read each other's outputs.

        Returns:
            The variables to set on top of an environment. The lab's marker is among them, so that `down` also finds
            what `pulumi` leaves behind.
        """
        for name in (organisation, backend):
            if not name or name != Path(name).name or name.startswith("."):
                raise LabError(f"{name!r} cannot name a file of the lab. Use letters, digits and dashes.")
        folder = self.folder / "backends" / backend
        folder.mkdir(parents=True, exist_ok=True)
        passphrase = self.folder / "passphrases" / organisation
        if not passphrase.exists():
            write_new(passphrase, secrets.token_hex(16) + "\n", mode=0o600)
        return {
            **toolchain.pulumi_environment(self.folder / "pulumi-home"),
            # without sidecar files, which a kill leaves empty, and then pulumi cannot read the state
            "PULUMI_BACKEND_URL": f"{folder.as_uri()}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
            "KUBECONFIG": str(self.kubeconfig),
            MARKER: str(self.folder),
            "GOGC": "400",  # pulumi and the provider live for seconds: they collect less, and take more memory
        }

    def _watch(self, owner: int, running: dict[str, processes.Process]) -> None:
        if _WATCHER in running:  # for an earlier process, whose end must not end this lab
            processes.end([running[_WATCHER]], patience=5)
        environment = {**os.environ, MARKER: str(self.folder), PART: _WATCHER}
        watcher = [sys.executable, "-P", "-m", "lab.watcher", str(self.folder), str(owner)]
        processes.start(watcher, environment, self.folder, self.folder / "logs" / "watcher.log")

    def _write_kubeconfig(self, members: list[Cluster]) -> None:
        reaches = [kubeconfig.access(member.context, member.server, member.pki, "admin") for member in members]
        kubeconfig.write(self.kubeconfig, reaches)

    def _purge(self) -> None:
        for entry in (self.folder / name for name in _ENTRIES):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # something of somebody else's is in it: it stays
            self.folder.rmdir()

    def _lock(self, say: Say) -> AbstractContextManager[int]:
        # Not in the lab's own folder, which may be deleted while another command waits for the lock.
        name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
        waiting = "Another command is at work on this lab; waiting for it …"
        return exclusive(cache_folder() / "lab" / "locks" / name, lambda: say(waiting))


def _is_one_of(group: tuple[str, ...]) -> Callable[[str], bool]:
    return lambda part: part.rpartition("/")[2] in group
