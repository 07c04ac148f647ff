"""syncthing's config.xml, schema version 32: equal on all nodes of a chain, only the certificate tells them apart.

Source: docs.syncthing.net/users/config.html; the values are those of runner_k8s, commit e11dcf4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

PORT, GUI = 22000, 8384
HOME = "/var/syncthing"
FOLDERS = ("blocks", "proposals", "txs")

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # no escape stands for these either
_NOTHING = "cleanupIntervalS"  # the only key of a `versioning` that keeps no versions
_FOLDER = {"type": "sendreceive", "rescanIntervalS": "0", "fsWatcherEnabled": "true", "fsWatcherDelayS": "1"}
_FOLDER |= {"ignorePerms": "false", "autoNormalize": "true"}
# What was written stays: a block that one node has pruned must not vanish at the others.
_IN_FOLDER = {
    "copiers": "0",
    "pullerMaxPendingKiB": "0",
    "hashers": "0",
    "order": "random",
    "ignoreDelete": "true",
    "scanProgressIntervalS": "0",
    "pullerPauseS": "0",
    "maxConflicts": "10",
    "disableSparseFiles": "false",
    "disableTempIndexes": "false",
    "paused": "false",
    "weakHashThresholdPct": "25",
    "markerName": ".stfolder",
    "copyOwnershipFromParent": "false",
    "modTimeWindowS": "0",
    "maxConcurrentWrites": "0",
    "disableFsync": "false",
    "blockPullOrder": "standard",
    "copyRangeMethod": "standard",
    "caseSensitiveFS": "true",
    "junctionsAsDirs": "false",
}
_DEVICE = {
    "paused": "false",
    "autoAcceptFolders": "false",
    "maxSendKbps": "0",
    "maxRecvKbps": "0",
    "maxRequestKiB": "0",
}
# Nothing is asked of, or told to, anybody outside of the chain: no discovery, relays, reports or upgrades.
_OPTIONS = {
    "listenAddress": f"tcp://0.0.0.0:{PORT}",
    "globalAnnounceServer": "default",
    "globalAnnounceEnabled": "false",
    "localAnnounceEnabled": "false",
    "localAnnouncePort": "21027",
    "localAnnounceMCAddr": "",
    "maxSendKbps": "0",
    "maxRecvKbps": "0",
    "reconnectionIntervalS": "60",
    "relaysEnabled": "false",
    "relayReconnectIntervalM": "10",
    "startBrowser": "false",
    "natEnabled": "false",
    "natLeaseMinutes": "60",
    "natRenewalMinutes": "30",
    "natTimeoutSeconds": "10",
    "urAccepted": "-1",
    "urSeen": "3",
    "urUniqueID": "",
    "urURL": "",
    "urPostInsecurely": "false",
    "urInitialDelayS": "1800",
    "restartOnWakeup": "false",
    "autoUpgradeIntervalH": "0",
    "upgradeToPreReleases": "false",
    "keepTemporariesH": "24",
    "cacheIgnoredFiles": "false",
    "progressUpdateIntervalS": "1",
    "limitBandwidthInLan": "false",
    "minHomeDiskFree": "1",
    "releasesURL": "",
    "overwriteRemoteDeviceNamesOnConnect": "false",
    "tempIndexMinBlocks": "10",
    "trafficClass": "0",
    "defaultFolderPath": "~",
    "setLowPriority": "false",
    "maxFolderConcurrency": "0",
    "crashReportingURL": "",
    "crashReportingEnabled": "false",
    "stunKeepaliveStartS": "0",
    "stunKeepaliveMinS": "0",
    "databaseTuning": "auto",
    "maxConcurrentIncomingRequestKiB": "0",
}


@dataclass(frozen=True, slots=True)
class Device:
    """One node as the others' syncthing finds it.

    Args:
        id: Device id.
        name: For people.
        host: IP address or DNS name.
        port: Of its synchronisation protocol.
    """

    id: str
    name: str
    host: str
    port: int


def config(chain: str, devices: Iterable[Device]) -> str:
    """The file's text.

    Args:
        chain: Name of the chain, which is the key of the GUI's API.
        devices: All nodes, the reader included.
    """
    listed = tuple(devices)
    root = Element("configuration", version="32")
    for each in FOLDERS:
        folder = SubElement(root, "folder", {"id": each, "label": "", "path": f"{HOME}/{each}"} | _FOLDER)
        _fill(folder, {"filesystemType": "basic"})
        SubElement(folder, "minDiskFree", unit="%").text = "1"
        _fill(SubElement(folder, "versioning"), {_NOTHING: "0"})
        _fill(folder, _IN_FOLDER)
        for device in listed:
            SubElement(folder, "device", id=device.id, introducedBy="")
    gui = SubElement(root, "gui", enabled="true", tls="false", debugging="false")
    _fill(gui, {"address": f"127.0.0.1:{GUI}", "theme": "default", "apikey": chain})
    SubElement(root, "ldap")
    options = SubElement(root, "options")
    _fill(options, _OPTIONS)
    for free in options.iter("minHomeDiskFree"):
        free.set("unit", "%")
    for device in listed:
        _fill(SubElement(root, "device", _attributes(device)), {"address": _address(device)} | _DEVICE)
    indent(root, " " * 4)
    return _NOT_XML.sub("", tostring(root, encoding="unicode")) + "\n"


def _fill(parent: Element, texts: Mapping[str, str]) -> None:
    for tag, text in texts.items():
        SubElement(parent, tag).text = text or None


def _attributes(device: Device) -> dict[str, str]:
    flags = {"compression": "always", "introducer": "false", "skipIntroductionRemovals": "false", "introducedBy": ""}
    return {"id": device.id, "name": device.name, **flags}


def _address(device: Device) -> str:
    host = f"[{device.host}]" if ":" in device.host else device.host
    return f"tcp://{host}:{device.port}"
