"""The files that a node's programs read: containerd, CNI, kubelet, kube-proxy."""

from __future__ import annotations

import ipaddress
import json
import shutil
from typing import Any

from lab.cluster import Cluster
from lab.files import write_whole
from lab.nodes.images import PAUSE

REFRESH = "2s"
"""How often the kubelet looks at mounted ConfigMaps; by default it is a minute."""


def socket(cluster: Cluster) -> str:
    """Where containerd listens."""
    return str(cluster.folder / "run" / "containerd.sock")


def write(cluster: Cluster) -> None:
    """Write all of them."""
    folder = cluster.folder / "config"
    write_whole(folder / "containerd.toml", _containerd(cluster))
    write_whole(folder / "cni" / "10-lab.conflist", json.dumps(_cni(cluster), indent=2))
    write_whole(folder / "kubelet.json", json.dumps(_kubelet(cluster), indent=2))
    write_whole(folder / "kube-proxy.json", json.dumps(_proxy(cluster), indent=2))
    # a pod without cluster DNS resolves nothing: this machine's servers are none of its business
    write_whole(folder / "resolv.conf", "")


def _containerd(cluster: Cluster) -> str:
    folder = cluster.folder
    return f"""version = 2
root = "{folder}/containerd"
state = "{folder}/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.erofs",
  "io.containerd.differ.v1.erofs", "io.containerd.nri.v1.nri"]
[grpc]
  address = "{socket(cluster)}"
[ttrpc]
  address = "{socket(cluster)}.ttrpc"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  # A container's root may not have the capability to make itself harder to kill.
  restrict_oom_score_adj = true
  # Below the cluster's folder, where `down` finds them whatever has happened.
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder}/config/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "{shutil.which("runc")}"
        Root = "{folder}/run/runc"
        SystemdCgroup = false
"""


def _cni(cluster: Cluster) -> dict[str, Any]:
    """Each pod on a routed pair of its own: what passes between two pods passes the node's firewall as well."""
    ranges = [[{"subnet": cluster.pods}]]
    address = {"type": "host-local", "dataDir": str(cluster.folder / "run" / "ipam"), "ranges": ranges}
    routes = [{"dst": "0.0.0.0/0"}]
    return {
        "cniVersion": "1.0.0",
        "name": cluster.namespace,
        "plugins": [
            {"type": "ptp", "ipMasq": True, "ipam": {**address, "routes": routes}},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def _kubelet(cluster: Cluster) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cluster.namespace}",
        "containerRuntimeEndpoint": f"unix://{socket(cluster)}",
        "address": cluster.address,
        "healthzBindAddress": "127.0.0.1",
        "readOnlyPort": 0,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(cluster.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(cluster.pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(cluster.pki / "kubelet.key"),
        "clusterDomain": "cluster.local",
        "clusterDNS": [dns(cluster)],
        "resolvConf": str(cluster.folder / "config" / "resolv.conf"),
        "podLogsDir": str(cluster.folder / "pods"),
        "failSwapOn": False,
        "enforceNodeAllocatable": ["pods"],
        # The machine's disk is its owner's to fill.
        "evictionHard": {"memory.available": "200Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "syncFrequency": REFRESH,
        "nodeStatusUpdateFrequency": "5s",
    }


def _proxy(cluster: Cluster) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "bindAddress": "0.0.0.0",  # noqa: S104 - of the cluster's own network namespace
        "hostnameOverride": cluster.context,
        "clusterCIDR": cluster.pods,
        "clientConnection": {"kubeconfig": str(cluster.kubeconfig("kube-proxy"))},
        # a network namespace other than the machine's may not set them
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
    }


def dns(cluster: Cluster) -> str:
    """The address of the cluster's DNS."""
    return str(ipaddress.ip_network(cluster.services)[10])
