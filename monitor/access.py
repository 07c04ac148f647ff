"""Who may read the metrics: the API server decides, as it does for kube-rbac-proxy."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Any

from monitor.exchange import Failed
from monitor.kubernetes import Kubernetes
from monitor.words import mapping

OK, UNAUTHORIZED, FORBIDDEN, UNAVAILABLE = 200, 401, 403, 503
_ALLOWED, _DENIED = 30.0, 5.0  # seconds for which a verdict holds
_MOST = 256  # verdicts that are remembered
_LONGEST = 8192  # characters of a token
_USER = ("uid", "groups", "extra")


class Access:
    """Verdicts about bearer tokens.

    Args:
        kubernetes: Who decides.
    """

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes, self._lock = kubernetes, threading.Lock()
        self._known: dict[bytes, tuple[float, int]] = {}

    def verdict(self, authorization: str) -> int:
        """What a request gets: 200, 401 without a good token, 403 without the right, 503 while nobody decides.

        Args:
            authorization: The header, `Bearer …`.
        """
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip() or len(token) > _LONGEST:
            return UNAUTHORIZED
        name = hashlib.sha256(token.strip().encode("utf-8", "replace")).digest()
        with self._lock:
            until, known = self._known.get(name, (0.0, 0))
        if time.monotonic() < until:
            return known
        try:
            found = self._asked(token.strip())
        except Failed:
            return UNAVAILABLE
        self._remember(name, found)
        return found

    def _remember(self, name: bytes, verdict: int) -> None:
        now = time.monotonic()
        with self._lock:
            self._known = {key: kept for key, kept in self._known.items() if now < kept[0]}
            if len(self._known) < _MOST:
                self._known[name] = (now + (_ALLOWED if verdict == OK else _DENIED), verdict)

    def _asked(self, token: str) -> int:
        review = self._review("authentication.k8s.io", "tokenreviews", {"token": token})
        user = mapping(review.get("user"))
        if review.get("authenticated") is not True or not user.get("username"):
            return UNAUTHORIZED
        who = {key: user[key] for key in _USER if user.get(key)} | {"user": user["username"]}
        wish = {"nonResourceAttributes": {"path": "/metrics", "verb": "get"}}
        review = self._review("authorization.k8s.io", "subjectaccessreviews", {**who, **wish})
        return OK if review.get("allowed") is True and not review.get("denied") else FORBIDDEN

    def _review(self, group: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        singular = {"tokenreviews": "TokenReview", "subjectaccessreviews": "SubjectAccessReview"}[kind]
        body = {"apiVersion": f"{group}/v1", "kind": singular, "spec": spec}
        return mapping(self._kubernetes.create("apis", group, "v1", kind, body=body).get("status"))
