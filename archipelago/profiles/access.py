"""A way into one namespace of a partner's cluster: four values, sealed on their way, and a kubeconfig where they end.

What travels is no kubeconfig. One may name programs that kubectl runs, files that it reads and proxies that it trusts;
whoever takes a partner's one runs the partner's commands. So the receiver writes it, out of values that are checked.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from archipelago.identity.sealing import ForAnotherKey, Sealer
from archipelago.model.endpoint import inside
from archipelago.model.profile import Heard
from archipelago.model.texts import Name

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,16384}")
_ITEM = "kubeconfig"


def loopback(url: str) -> str:
    """Why nobody outside could use an API server's URL; empty where it may be used."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme != "https" or parts.username or not url.isprintable() or " " in url:
        return "is no https URL of an API server"
    return inside(host)


def certificates(text: str) -> str:
    """Certificates in PEM, or its base64, as a kubeconfig holds them: base64 of PEM.

    Raises:
        ValueError: They are none.
    """
    if "-----BEGIN" not in text:
        try:
            text = base64.b64decode("".join(text.split()), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            text = ""
    if "-----BEGIN CERTIFICATE-----" not in text or "PRIVATE KEY" in text:
        raise ValueError("is no certificate in PEM, nor its base64")
    return base64.b64encode(text.encode()).decode()


def _server(url: str) -> str:
    if reason := loopback(url):
        raise ValueError(f"{url!r} {reason}")
    return url


def _token(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError("its token is none")  # never the text itself
    return text


class Access(BaseModel):
    """What opens a namespace of a cluster.

    Args:
        server: URL of the API server, as partners reach it.
        ca: Its certificates, base64 of PEM.
        token: Of a ServiceAccount.
        namespace: Where its rights hold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    server: Annotated[str, AfterValidator(_server)]
    ca: Annotated[str, AfterValidator(certificates)]
    token: Annotated[str, AfterValidator(_token)] = Field(repr=False)
    namespace: Name

    def sealed(self, sealer: Sealer, partner: str, key: str, identity: str) -> str:
        """For one partner's eyes.

        Raises:
            ValueError: The partner's key is none.
        """
        text = json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":"))
        return sealer.seal(partner, key, f"{_ITEM}/{identity}", text.encode())


def opened(heard: Heard, sealer: Sealer) -> Access | str:
    """What a partner's identity grants us.

    Returns:
        The way in, or why there is none in words; empty words where nothing was granted.
    """
    sealed = heard.delivery.kubeconfigs.get(sealer.organisation)
    if sealed is None:
        return ""
    try:
        text = sealer.opened(heard.profile.organisation, f"{_ITEM}/{heard.profile.identity}", sealed)
        access = Access.model_validate_json(text)
    except ForAnotherKey:
        return "it is sealed for an earlier key of ours; it comes anew with its next up"
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"what it holds is no way in: {first['msg'].removeprefix('Value error, ')}"
    except ValueError as error:
        return str(error)
    return access


def kubeconfig(access: Access, name: str) -> str:
    """A kubeconfig that has nothing but one cluster, one token and one context.

    Args:
        access: What it opens.
        name: Of the cluster, the user and the context.
    """

    def text(value: Any) -> str:
        return json.dumps(value)

    return f"""apiVersion: v1
kind: Config
clusters:
  - name: {text(name)}
    cluster:
      server: {text(access.server)}
      certificate-authority-data: {text(access.ca)}
users:
  - name: {text(name)}
    user:
      token: {text(access.token)}
contexts:
  - name: {text(name)}
    context:
      cluster: {text(name)}
      namespace: {text(access.namespace)}
      user: {text(name)}
current-context: {text(name)}
"""
