"""A service's command, whichever way it was written, and images of a file without tags."""

from __future__ import annotations

from typing import Any

import pytest

from archipelago.chains.cita_cloud.shell_command import executed, joined
from tests.cita import local, plan_of, problems_of
from tests.unit.test_cita_service_config import written

pytestmark = pytest.mark.unit

# as runner_k8s shipped it: commit e11dcf4
SHIPPED = """
[[services]]
name = "network"
docker_image = "citacloud/network_p2p"
cmd = "network run -p 50000 -k /network/network-key"
[[services]]
name = "consensus"
docker_image = "citacloud/consensus_raft"
cmd = "consensus run -p 50001"
#[[services]]
#name = "executor"
#docker_image = "citacloud/executor_chaincode_ext"
#cmd = "executor run -p 50002"
[[services]]
name = "executor"
docker_image = "citacloud/executor_evm"
cmd = "executor run -p 50002"
[[services]]
name = "storage"
docker_image = "citacloud/storage_sqlite"
cmd = "storage run -p 50003"
[[services]]
name = "controller"
docker_image = "citacloud/controller_poc"
cmd = "controller run -p 50004"
[[services]]
name = "kms"
docker_image = "citacloud/kms_sm"
cmd = "kms run -p 50005 -k /kms/key_file"
"""
TIKV = SHIPPED.replace("storage_sqlite", "storage_tikv").replace("-p 50003", "-p 50003 -e basic-pd:2379")
DRIVERS = {f"nodes.node{index}.pdEndpoints": [f"node{index}-pd:2379"] for index in range(3)}
ONE: dict[str, Any] = {"nodes": {"node0": {"index": 0}}}


def commands(services: Any, changes: dict[str, Any] | None = None) -> dict[str, str]:
    plan = plan_of(local({"network.services": services, **(changes or {})}))
    return {each.name: each.command[2] for each in plan.nodes[0].containers if each.command[:2] == ("sh", "-c")}


def test_cf1_a_tikv_of_a_service_config_is_named_once() -> None:
    for services in (
        TIKV,
        {"storage": "storage_tikv"},
        {"storage": {"kind": "storage_tikv", "command": "storage run -p 50003 -e x:1"}},
    ):
        assert commands(services, DRIVERS)["storage"] == "exec storage run -p 50003 -e node0-pd:2379"


@pytest.mark.parametrize("spelled", ["-e basic-pd:2379", "-e=basic-pd:2379", "-e 'basic-pd:2379'", "-ebasic-pd:2379"])
def test_cf1_the_file_of_one_node_names_its_own_tikv(spelled: str) -> None:
    text = TIKV.replace("-e basic-pd:2379", spelled)
    assert commands(text, ONE)["storage"] == "exec storage run -p 50003 -e basic-pd:2379"


def test_cf1_one_tikv_of_the_file_is_not_that_of_several_nodes() -> None:
    problem = problems_of(local({"network.services": TIKV}))["nodes.node1.pdEndpoints"]
    assert "basic-pd:2379 is the TiKV of node0" in problem.message


def test_cf1_what_the_program_gives_couchdb_is_refused_in_a_command() -> None:
    text = SHIPPED.replace("executor_evm", "executor_chaincode_ext").replace(
        'executor run -p 50002"', 'executor run -p 50002 --couchdb-username x --couchdb-password y"'
    )
    problem = problems_of(local({"network.services": text}))["network.services.executor.command"]
    assert "takes them once" in problem.message and "stateDb" in problem.cure


def test_cf6_names_and_a_file_come_to_the_same_commands() -> None:
    assert commands(SHIPPED) == commands(local()["network"]["services"])
    assert all(each.startswith("exec ") for name, each in commands(SHIPPED).items() if name != "peers")


@pytest.mark.parametrize(
    ("command", "runs"),
    [
        ("kms run -p 50005", "exec kms run -p 50005"),
        ("exec kms run", "exec kms run"),
        ("kms run > /data/log 2>/dev/null", "exec kms run > /data/log 2>/dev/null"),
        ('kms run -k "/kms/a;b"', 'exec kms run -k "/kms/a;b"'),
        ("sleep 3; kms run", "sleep 3; kms run"),
        ("cd /data && kms run", "cd /data && kms run"),
        ("kms run | tee log", "kms run | tee log"),
        ("kms run &", "kms run &"),
        ("RUST_LOG=debug kms run", "RUST_LOG=debug kms run"),
        ("if true; then kms run; fi", "if true; then kms run; fi"),
        ("(kms run)", "(kms run)"),
        ("kms init\nkms run", "kms init\nkms run"),
        ("kms run 'open", "kms run 'open"),
    ],
)
def test_cf6_only_a_command_alone_takes_the_place_of_its_shell(command: str, runs: str) -> None:
    assert executed(command) == runs


def test_r41_a_service_command_over_several_lines_is_one() -> None:
    assert joined("kms run \\\n    -p 50005\\\r\n -k /kms/key_file\n") == "kms run  -p 50005 -k /kms/key_file"


def test_cf2_the_file_that_runner_k8s_shipped_is_read_with_one_set_of_images() -> None:
    plan = plan_of(local({"network.services": SHIPPED}))
    images = {each.name: each.image for each in plan.nodes[0].containers}
    assert images["controller"] == "citacloud/controller:v5.0.0", "controller_poc of release 4"
    assert images["kms"] == "citacloud/kms_sm:v5.0.0"
    (told,) = [each for each in plan.warnings if "Images without a tag" in each]
    assert "those of the set v5.0.0" in told and "citacloud/controller:v5.0.0" in told


def test_cf2_names_and_images_with_tags_are_not_told() -> None:
    tagged = written({"controller": "controller"}).replace('"\ncmd', ':v5.0.0"\ncmd')
    for services in (local()["network"]["services"], tagged):
        assert not [each for each in plan_of(local({"network.services": services})).warnings if "tag" in each]
