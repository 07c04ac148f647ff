"""Tokens that mock clusters give, the same in every run."""

from __future__ import annotations

import base64
import hashlib

CA = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"


def token_of(secret: str) -> str:
    """The token that the mock cluster puts into a Secret of this name."""
    return "eyJ" + hashlib.sha256(f"token in {secret}".encode()).hexdigest()


def secret_data(secret: str) -> dict[str, str]:
    """What the mock cluster puts into a Secret for a token, as its API shows it."""
    found = {"token": token_of(secret), "ca.crt": CA, "namespace": "jobs"}
    return {key: base64.b64encode(text.encode()).decode() for key, text in found.items()}
