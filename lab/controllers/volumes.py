"""Gives every claim of the lab's StorageClass a volume, as a storage driver does.

Where nodes are simulated nothing is ever stored in it; where pods really run it is a directory of this machine.

The controller manager binds and releases volumes here as everywhere; making, growing and deleting them is the driver's
part (https://kubernetes.io/docs/concepts/storage/persistent-volumes/#lifecycle-of-a-volume-and-claim).
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

from lightkube import ApiError, AsyncClient
from lightkube.models.core_v1 import HostPathVolumeSource, ObjectReference, PersistentVolumeSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import PersistentVolume, PersistentVolumeClaim
from lightkube.types import PatchType

from lab.profiles.objects import PROVISIONER, STORAGE_CLASS

_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_NOWHERE = Path("/nonexistent")
_log = logging.getLogger(__name__)


class Claims:
    """Follows claims: makes their volumes, and grows them.

    Args:
        client: how the API server is reached.
        folder: where each volume has a directory of its own; None if nothing is to be stored.
    """

    def __init__(self, client: AsyncClient, folder: Path | None = None) -> None:
        self._client = client
        self._folder = folder

    def start(self, present: Sequence[PersistentVolumeClaim]) -> None:
        """See `Follower.start`: nothing has to be known beforehand."""

    async def change(self, thing: PersistentVolumeClaim, *, deleted: bool) -> None:
        """See `Follower.change`."""
        metadata, spec = thing.metadata, thing.spec
        if deleted or metadata is None or spec is None or spec.storageClassName != STORAGE_CLASS:
            return
        if not spec.volumeName and metadata.deletionTimestamp is None:
            await self._provision(thing)
        elif spec.volumeName and thing.status is not None and thing.status.phase == "Bound":
            await self._grow(thing)

    async def _provision(self, claim: PersistentVolumeClaim) -> None:
        metadata, spec = claim.metadata, claim.spec
        assert metadata is not None and spec is not None  # noqa: S101 - `change` has looked
        name = f"pvc-{metadata.uid}"
        path = (self._folder or _NOWHERE) / name
        if self._folder is not None:
            # Before the volume, for a pod may be started as soon as there is one.
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o777)  # whoever a pod runs as; kubelet changes the group of no hostPath
        volume = PersistentVolume(
            metadata=ObjectMeta(name=name, annotations={_PROVISIONED_BY: PROVISIONER}),
            spec=PersistentVolumeSpec(
                storageClassName=STORAGE_CLASS,
                accessModes=spec.accessModes,
                volumeMode=spec.volumeMode,
                capacity={"storage": _requested(claim)},
                persistentVolumeReclaimPolicy="Delete",
                # A claim reference with a uid is what binds a volume to this claim and no later one of its name.
                claimRef=ObjectReference(
                    apiVersion="v1",
                    kind="PersistentVolumeClaim",
                    name=metadata.name,
                    namespace=metadata.namespace,
                    uid=metadata.uid,
                ),
                hostPath=HostPathVolumeSource(path=str(path)),
            ),
        )
        try:
            await self._client.create(volume)
        except ApiError as error:
            if error.status.reason != "AlreadyExists":
                raise
        else:
            _log.info("%s/%s has volume %s", metadata.namespace, metadata.name, name)

    async def _grow(self, claim: PersistentVolumeClaim) -> None:
        metadata, spec, status = claim.metadata, claim.spec, claim.status
        assert metadata is not None and metadata.name and spec is not None and spec.volumeName  # noqa: S101 - as above
        wanted = _requested(claim)
        # The API server lets claims only grow, so another size is a larger one.
        if wanted == ((status.capacity if status else None) or {}).get("storage"):
            return
        capacity = {"capacity": {"storage": wanted}}
        await self._client.patch(PersistentVolume, spec.volumeName, {"spec": capacity}, patch_type=PatchType.MERGE)
        await self._client.patch(
            PersistentVolumeClaim.Status,
            metadata.name,
            {"status": {**capacity, "conditions": []}},
            namespace=metadata.namespace,
            patch_type=PatchType.MERGE,
        )
        _log.info("%s/%s has %s now", metadata.namespace, metadata.name, wanted)


class Volumes:
    """Follows volumes: deletes those whose claim is gone, as their reclaim policy says.

    Args:
        client: how the API server is reached.
        folder: where each volume has a directory, which ends with it; None if nothing is stored.
    """

    def __init__(self, client: AsyncClient, folder: Path | None = None) -> None:
        self._client = client
        self._folder = folder

    def start(self, present: Sequence[PersistentVolume]) -> None:
        """See `Follower.start`: nothing has to be known beforehand."""

    async def change(self, thing: PersistentVolume, *, deleted: bool) -> None:
        """See `Follower.change`."""
        metadata, spec, status = thing.metadata, thing.spec, thing.status
        if metadata is None or spec is None or status is None or not metadata.name:
            return
        ours = (metadata.annotations or {}).get(_PROVISIONED_BY) == PROVISIONER
        # A volume that is to be retained leaves its data behind, whoever deletes it.
        if not ours or spec.persistentVolumeReclaimPolicy != "Delete":
            return
        if deleted:
            await self._empty(metadata.name)
        elif status.phase == "Released" and metadata.deletionTimestamp is None:
            # The data first: what fails halfway is then tried again, since there still is a volume to follow.
            await self._empty(metadata.name)
            await self._client.delete(PersistentVolume, metadata.name)
            _log.info("deleted volume %s", metadata.name)

    async def _empty(self, name: str) -> None:
        if self._folder is not None and (self._folder / name).exists():
            await asyncio.to_thread(shutil.rmtree, self._folder / name)


def _requested(claim: PersistentVolumeClaim) -> str:
    resources = claim.spec.resources if claim.spec else None
    return str(((resources.requests if resources else None) or {})["storage"])
