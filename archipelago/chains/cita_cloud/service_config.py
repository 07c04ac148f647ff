"""service-config.toml of runner_k8s: an array of tables `services`, each with `name`, `docker_image` and `cmd`.

runner_k8s multiplied numbers to find out whether there is one of each, which two executors and no kms can pass.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from archipelago.chains.cita_cloud.files import ROLES

_KEYS = ("name", "docker_image", "cmd")


def parsed(text: str) -> dict[str, dict[str, str]]:
    """The services as a stack file has them, by role.

    An image without a tag, which runner_k8s took at its latest, is that of the set of images.

    Raises:
        ValueError: It is no such file, or does not name one service for each role.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"it is no TOML: {error}") from None
    tables = document.get("services")
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise ValueError("it has no tables [[services]]")
    found: dict[str, dict[str, str]] = {}
    for number, table in enumerate(tables, start=1):
        role = _role(number, table)
        if role in found:
            raise ValueError(f"it has two services for {role}")
        found[role] = _service(table)
    if missing := [role for role in ROLES if role not in found]:
        raise ValueError(f"it has no service for {', '.join(missing)}")
    return found


def _role(number: int, table: Mapping[str, Any]) -> str:
    for key in _KEYS:
        if not isinstance(table.get(key), str) or not table[key]:
            raise ValueError(f"service {number} has no {key}")
    if table["name"] not in ROLES:
        raise ValueError(f"service {number} is named {table['name']!r}, which is none of {', '.join(ROLES)}")
    return str(table["name"])


def _service(table: Mapping[str, str]) -> dict[str, str]:
    image = table["docker_image"]
    name, _, tag = image.rpartition("/")[2].partition(":")
    service = {"kind": name.partition("@")[0], "command": table["cmd"]}
    return service | ({"image": image} if tag not in ("", "latest") else {})
