"""The command line that made a chain, as people have kept it."""

from __future__ import annotations

import pytest

from archipelago.chains.cita_cloud.runner_k8s.command import Command, parsed
from archipelago.problems import Refused

pytestmark = pytest.mark.unit

PLAIN = "./create_k8s_config.py local_cluster --kms_password 'let me; in' --pvc_name local-pvc --peers_count 3"


def read(text: str) -> Command:
    return parsed(text)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace(" --", " \\\n    --"),
        PLAIN.replace(" --", " \\\r\n --"),
        PLAIN.replace(" --", " \\ \n--"),
        "$ " + PLAIN.replace(" --", " \\\n> --"),
        PLAIN.replace(" --", "\n  --"),
        f"#!/bin/sh\nset -e\ncd runner_k8s\n{PLAIN}\nkubectl apply -f test-chain.yaml\n",
        f"# the chain of April\n{PLAIN}  \n\n# and its volume\n",
    ],
    ids=["backslashes", "of Windows", "a space behind", "prompts", "options alone", "a script", "comments"],
)
def test_r41_a_line_over_several_lines_is_the_line(text: str) -> None:
    assert read(text) == read(PLAIN)


def test_r41_a_value_over_several_lines_stays_one() -> None:
    made = read(PLAIN.replace("let me; in", "let\nme in"))
    assert made.nodes[0].password == "let\nme in"


@pytest.mark.parametrize(
    ("line", "words", "cure"),
    [
        (PLAIN.replace("--pvc_name local-pvc", "--data_dir /data"), "up to release 4", "storage: {local:"),
        (PLAIN.replace("--pvc_name local-pvc", "--nfs_path=/x --nfs_server=y"), "NFS server", "storage: {nfs:"),
        (PLAIN + " --business_network_name x", "composer", "Leave it out"),
        ("cloud-config create --config-dir . --chain-name x", "cloud-config", "create_k8s_config.py local_cluster"),
        ("python3 create_pvc.py nfs_pvc --nfs_server x", "create_pvc.py", "local_cluster"),
        ("./create_k8s_config.py --peers_count 3", "neither local_cluster nor multi_cluster", "local_cluster"),
    ],
)
def test_r42_lines_of_other_versions_are_known_as_such(line: str, words: str, cure: str) -> None:
    with pytest.raises(Refused) as refused:
        read(line)
    (problem,) = refused.value.problems
    assert words in problem.message
    assert cure in problem.cure
    assert "let me" not in problem.message + problem.cure
