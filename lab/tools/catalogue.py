"""What the lab needs and where each piece can come from.

A `Tool` is what is looked for (one program, or a few that only work as one release). A `Build` is what the Go module
proxy can give instead, pinned by a folder of `lab/toolchain/`; several tools may come out of one build.
"""

from __future__ import annotations

import platform

from lab.tools.definitions import Build, Download, GoCommand, Probe, Tool
from lab.tools.node_tools import node_tools
from lab.tools.versions import Version

PULUMI = "3.259.0"
PROVIDER = "4.27.0"
KUBERNETES = "1.36.3"
ETCD = "3.6.8"
KWOK = "0.8.0"
ACTIONLINT = "1.7.12"

PROVIDER_PLUGIN = f"resource-kubernetes-v{PROVIDER}"
"""The folder's name in `$PULUMI_HOME/plugins`; the engine finds a provider by it."""


def _machine() -> tuple[str, str]:
    """Operating system and architecture in Go's spelling."""
    architecture = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
    machine = platform.machine().lower()
    return platform.system().lower(), architecture.get(machine, machine)


def _pulumi(system: str, architecture: str) -> Tool:
    programs = (
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
        "pulumi-resource-pulumi-python",
    )
    sdk = "github.com/pulumi/pulumi/sdk/v3"
    build = Build(
        name="pulumi",
        title=f"Pulumi CLI {PULUMI} and its Python language host",
        commands=(
            GoCommand("python-language-host", {f"{sdk}/python/cmd/pulumi-language-python": "pulumi-language-python"}),
            GoCommand(
                "pulumi-cli",
                {"github.com/pulumi/pulumi/pkg/v3/cmd/pulumi": "pulumi"},
                ldflags=f"-s -w -X {sdk}/go/common/version.Version=v{PULUMI}",
                copies={
                    f"{sdk}//python/cmd/pulumi-language-python-exec": "pulumi-language-python-exec",
                    f"{sdk}//python/dist/pulumi-resource-pulumi-python": "pulumi-resource-pulumi-python",
                },
            ),
        ),
        seconds=90,
    )
    archive = f"pulumi-v{PULUMI}-{system}-{'x64' if architecture == 'amd64' else architecture}.tar.gz"
    base = f"https://github.com/pulumi/pulumi/releases/download/v{PULUMI}"
    return Tool(
        name="pulumi",
        title="Pulumi CLI and Python language host",
        programs=programs,
        probe=Probe(("version",), Version.parse(PULUMI)),
        build=build,
        downloads=(
            Download(
                f"{base}/{archive}",
                f"{base}/pulumi-{PULUMI}-checksums.txt",
                {program: f"pulumi/{program}" for program in programs},
            ),
        ),
    )


def _provider(system: str, architecture: str) -> Tool:
    program = "pulumi-resource-kubernetes"
    base = f"https://github.com/pulumi/pulumi-kubernetes/releases/download/v{PROVIDER}"
    return Tool(
        name="kubernetes-provider",
        title="Kubernetes provider of Pulumi",
        programs=(program,),
        # Pinned exactly (docs/decisions): another version adopts or refuses retained objects in another way.
        probe=Probe(None, Version.parse(PROVIDER), exactly=True),
        build=Build(
            name="kubernetes-provider",
            title=f"Kubernetes provider {PROVIDER}",
            commands=(GoCommand("kubernetes-provider", {".": program}),),
            seconds=70,
        ),
        downloads=(
            Download(
                f"{base}/{program}-v{PROVIDER}-{system}-{architecture}.tar.gz",
                f"{base}/pulumi-kubernetes_{PROVIDER}_checksums.txt",
                {program: program},
            ),
        ),
        plugin=PROVIDER_PLUGIN,
    )


def _kubernetes_ldflags() -> str:
    """The linker's flags by which a program of Kubernetes knows its release."""
    release = Version.parse(KUBERNETES)
    variables = {
        "gitVersion": f"v{KUBERNETES}",
        "gitMajor": str(release.major),
        "gitMinor": str(release.minor),
        "gitTreeState": "clean",
    }
    return " ".join(["-s -w"] + [f"-X k8s.io/component-base/version.{k}={v}" for k, v in variables.items()])


def _kubernetes(system: str, architecture: str) -> tuple[Tool, ...]:
    control_plane = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
    build = Build(
        name="kubernetes",
        title=f"Kubernetes {KUBERNETES} control plane, kubectl and etcd {ETCD}",
        commands=(
            GoCommand(
                "kubernetes",
                {"./control-plane": "control-plane", "./etcd": "etcd", "k8s.io/kubernetes/cmd/kubectl": "kubectl"},
                ldflags=_kubernetes_ldflags(),
                links=dict.fromkeys(control_plane, "control-plane"),
            ),
        ),
        seconds=165,
    )

    def served(program: str) -> Download:
        url = f"https://dl.k8s.io/release/v{KUBERNETES}/bin/{system}/{architecture}/{program}"
        return Download(url, f"{url}.sha256", {program: ""})

    etcd_base = f"https://github.com/etcd-io/etcd/releases/download/v{ETCD}"
    etcd_folder = f"etcd-v{ETCD}-{system}-{architecture}"
    return (
        Tool(
            # One tool: a controller manager or scheduler must not be newer than its API server.
            name="control-plane",
            title="Kubernetes control plane",
            programs=control_plane,
            probe=Probe(("--version",), Version(1, 34, 0)),
            build=build,
            downloads=tuple(served(program) for program in control_plane),
        ),
        Tool(
            name="kubectl",
            title="kubectl",
            programs=("kubectl",),
            # One minor version older than the API server is as far as kubectl is supported.
            probe=Probe(("version", "--client"), Version(1, 35, 0)),
            build=build,
            downloads=(served("kubectl"),),
        ),
        Tool(
            name="etcd",
            title="etcd",
            programs=("etcd",),
            # From 3.5.13 on etcd answers the watch progress requests that the API server's cache asks for.
            probe=Probe(("--version",), Version(3, 5, 13)),
            build=build,
            downloads=(
                Download(
                    f"{etcd_base}/{etcd_folder}.tar.gz", f"{etcd_base}/SHA256SUMS", {"etcd": f"{etcd_folder}/etcd"}
                ),
            ),
        ),
    )


def _kwok() -> Tool:
    return Tool(
        name="kwok",
        title="kwok",
        programs=("kwok",),
        probe=Probe(("--version",), Version.parse(KWOK)),
        build=Build(
            name="kwok",
            title=f"kwok {KWOK}",
            commands=(GoCommand("kwok", {"sigs.k8s.io/kwok/cmd/kwok": "kwok"}),),
            seconds=44,
        ),
        # No download: its releases carry no checksum file that a binary could be held against.
    )


def _actionlint(system: str, architecture: str) -> Tool:
    """What `make lint` holds the workflows of CI against."""
    module, base = "github.com/rhysd/actionlint", f"https://github.com/rhysd/actionlint/releases/download/v{ACTIONLINT}"
    name = f"actionlint_{ACTIONLINT}"
    return Tool(
        name="actionlint",
        title=f"actionlint {ACTIONLINT}",
        programs=("actionlint",),
        # Another release knows other actions, and finds other things.
        probe=Probe(None, Version.parse(ACTIONLINT), exactly=True),
        build=Build(
            name="actionlint",
            title=f"actionlint {ACTIONLINT}",
            commands=(
                GoCommand(
                    "actionlint",
                    {f"{module}/cmd/actionlint": "actionlint"},
                    ldflags=f"-s -w -X {module}.version={ACTIONLINT}",
                ),
            ),
            seconds=20,
        ),
        downloads=(
            Download(
                f"{base}/{name}_{system}_{architecture}.tar.gz",
                f"{base}/{name}_checksums.txt",
                {"actionlint": "actionlint"},
            ),
        ),
    )


def catalogue() -> tuple[Tool, ...]:
    """Every tool of the lab for this machine, in the order they are resolved and built."""
    system, architecture = _machine()
    return (
        _pulumi(system, architecture),
        _provider(system, architecture),
        *_kubernetes(system, architecture),
        _kwok(),
        *node_tools(system, architecture, KUBERNETES, _kubernetes_ldflags()),
        _actionlint(system, architecture),
    )
