"""What a real node runs, and the images that its containers are made of where no registry answers."""

from __future__ import annotations

from lab.tools.definitions import Build, Download, GoCommand, Probe, Tool
from lab.tools.versions import Version

CONTAINERD = "2.2.9"
COREDNS = "1.14.7"
GOQUORUM = "22.7.4"
KUBO = "0.42.0"
PROMETHEUS = "3.11.1"
TRAEFIK = "3.6.0"

TRAEFIK_KINDS = "traefik-kinds.yml"
"""Beside the program `traefik`: the CustomResourceDefinitions that its release publishes."""

_NEVER_FROM_PATH = Probe(None, Version(0, 0, 0))


def node_tools(system: str, architecture: str, kubernetes: str, ldflags: str) -> tuple[Tool, ...]:
    """Every tool of the profile `nodes`, beside those of the control plane.

    Args:
        system: operating system, in Go's spelling.
        architecture: in Go's spelling.
        kubernetes: release of the control plane, which its nodes must not be ahead of.
        ldflags: with which Kubernetes is linked.
    """
    return (
        _node(system, architecture, kubernetes, ldflags),
        _containerd(system, architecture),
        _built("coredns", f"CoreDNS {COREDNS}", GoCommand("coredns", {".": "coredns"}), 75),
        _goquorum(),
        _built("tessera", "stand-in for Tessera", GoCommand("tessera-stand-in", {".": "tessera"}), 25),
        _built("cita", "stand-in for CITA-Cloud", GoCommand("cita-stand-in", {".": "cita"}), 6),
        _built("ipfs", f"kubo {KUBO}", GoCommand("kubo", {"github.com/ipfs/kubo/cmd/ipfs": "ipfs"}), 86),
        _traefik(),
        _prometheus(),
    )


def _node(system: str, architecture: str, kubernetes: str, ldflags: str) -> Tool:
    programs = ("kubelet", "kube-proxy")
    base = f"https://dl.k8s.io/release/v{kubernetes}/bin/{system}/{architecture}"
    return Tool(
        name="node",
        title="kubelet and kube-proxy",
        programs=programs,
        # Never from PATH: a node must be of the control plane's release or older, which is not known yet.
        probe=Probe(None, Version.parse(kubernetes)),
        build=Build(
            name="kubernetes-node",
            title=f"kubelet and kube-proxy {kubernetes}",
            commands=(
                GoCommand("kubernetes", {"./node": "node"}, ldflags=ldflags, links=dict.fromkeys(programs, "node")),
            ),
            seconds=25,
        ),
        downloads=tuple(
            Download(f"{base}/{program}", f"{base}/{program}.sha256", {program: ""}) for program in programs
        ),
    )


def _containerd(system: str, architecture: str) -> Tool:
    programs = ("containerd", "containerd-shim-runc-v2", "ctr")
    package = "github.com/containerd/containerd/v2"
    archive = f"https://github.com/containerd/containerd/releases/download/v{CONTAINERD}/containerd-{CONTAINERD}-"
    archive += f"{system}-{architecture}.tar.gz"
    return Tool(
        name="containerd",
        title="containerd",
        programs=programs,
        # Version 1 cannot tell the kubelet its cgroup driver, and from Kubernetes 1.37 on that is the end of it.
        probe=Probe(("--version",), Version(2, 0, 0)),
        build=Build(
            name="containerd",
            title=f"containerd {CONTAINERD}",
            commands=(
                GoCommand(
                    "containerd",
                    {f"{package}/cmd/{program}": program for program in programs},
                    ldflags=f"-s -w -X {package}/version.Version=v{CONTAINERD}",
                    # storage drivers that nothing here uses
                    tags=("no_btrfs", "no_devmapper", "no_zfs", "no_aufs"),
                ),
            ),
            seconds=50,
        ),
        downloads=(Download(archive, f"{archive}.sha256sum", {program: f"bin/{program}" for program in programs}),),
    )


def _goquorum() -> Tool:
    command = GoCommand(
        "goquorum",
        {"github.com/ethereum/go-ethereum/cmd/geth": "geth"},
        # Its scripting engine is C, and the image has no C library of the right kind.
        ldflags='-s -w -linkmode external -extldflags "-static"',
        tags=("netgo", "osusergo"),
        # What it depends on reaches into Go's runtime in ways that later releases forbid.
        environment={"CGO_ENABLED": "1", "GOTOOLCHAIN": "go1.20.14"},
    )
    return _built("geth", f"GoQuorum {GOQUORUM}", command, 66)


def _traefik() -> Tool:
    module = "github.com/traefik/traefik/v3"
    kinds = f"{module}//docs/content/reference/dynamic-configuration/kubernetes-crd-definition-v1.yml"
    command = GoCommand(
        "traefik",
        {f"{module}/cmd/traefik": "traefik"},
        ldflags=f"-s -w -X {module}/pkg/version.Version={TRAEFIK}",
        copies={kinds: TRAEFIK_KINDS},
    )
    build = Build("traefik", f"Traefik {TRAEFIK}", (command,), 240)
    return Tool("traefik", build.title, ("traefik", TRAEFIK_KINDS), _NEVER_FROM_PATH, build)


def _prometheus() -> Tool:
    command = GoCommand(
        "prometheus",
        {"github.com/prometheus/prometheus/cmd/prometheus": "prometheus"},
        ldflags=f"-s -w -X github.com/prometheus/common/version.Version={PROMETHEUS}",
        # what would be asked for targets, the SDKs of two dozen clouds, is two thirds of the program
        tags=("remove_all_sd",),
    )
    return _built("prometheus", f"Prometheus {PROMETHEUS}", command, 120)


def _built(program: str, title: str, command: GoCommand, seconds: float) -> Tool:
    """A program that is always built: what PATH has under its name is no part of an image."""
    return Tool(program, title, (program,), _NEVER_FROM_PATH, Build(program, title, (command,), seconds))
