"""The shell scripts of deploy/, as far as they go without an engine."""

import os
import subprocess
from pathlib import Path

import pytest

_DEPLOY = Path(__file__).parents[3] / "deploy"
_SCRIPTS = [path for path in (_DEPLOY / "engine.sh", *_DEPLOY.rglob("images/**/*")) if os.access(path, os.X_OK)]

# In place of Java: says how it was called. Formatting marks the storage, as Kafka's tool does.
_JAVA = """#!/bin/bash
echo "java $*" >>"$TMPDIR/calls"
if [[ "$*" == *StorageTool* ]]; then echo formatted >"$TMPDIR/data/meta.properties"; fi
"""


@pytest.mark.parametrize("script", [path for path in _SCRIPTS if path.is_file()], ids=lambda path: path.name)
def test_deploy_script_parses(script: Path) -> None:
    """Every script is one that its shell can read."""
    shell = script.read_text().splitlines()[0].removeprefix("#!").split()[-1]

    assert 0 == subprocess.run([shell, "-n", script], check=False).returncode


@pytest.fixture
def kafka(tmp_path: Path) -> dict[str, str]:
    """An environment in which Kafka's script runs up to Java."""
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(_JAVA)
    java.chmod(0o755)
    (tmp_path / "data").mkdir()
    return {"PATH": f"{java.parent}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}


def _run(environment: dict[str, str]) -> None:
    subprocess.run([_DEPLOY / "images" / "kafka" / "run"], env=environment, timeout=30, check=True)


def test_kafka_settings_come_from_variables_as_in_the_public_image(kafka: dict[str, str], tmp_path: Path) -> None:
    """KAFKA_A_B is a.b, two underscores are one, three are a dash; variables of the scripts are no settings."""
    _run(
        kafka
        | {
            "KAFKA_NODE_ID": "1",
            "KAFKA_LOG_DIRS": str(tmp_path / "data"),
            "KAFKA_A__B___C": "x=1,y",
            "KAFKA_HEAP_OPTS": "-Xmx99m",
        }
    )

    written = (tmp_path / "kafka" / "server.properties").read_text().splitlines()
    assert ["a_b-c=x=1,y", f"log.dirs={tmp_path / 'data'}", "node.id=1"] == written
    assert "-Xmx99m" in (tmp_path / "calls").read_text()


def test_kafka_formats_its_storage_once(kafka: dict[str, str], tmp_path: Path) -> None:
    """The first start formats with CLUSTER_ID, the second one finds its storage formatted."""
    environment = kafka | {"KAFKA_LOG_DIRS": str(tmp_path / "data"), "CLUSTER_ID": "abc"}
    _run(environment)
    _run(environment)

    calls = (tmp_path / "calls").read_text().splitlines()
    assert [True, False, False] == ["StorageTool format --cluster-id abc" in call for call in calls]


def test_kafka_health_is_asked_of_a_listener_for_clients(kafka: dict[str, str], tmp_path: Path) -> None:
    """The controller's listener is passed over, wherever it stands in the list."""
    _run(
        kafka
        | {
            "KAFKA_LOG_DIRS": str(tmp_path / "data"),
            "KAFKA_LISTENERS": "CONTROLLER://:9093,INSIDE://0.0.0.0:19092,OUTSIDE://:9092",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        }
    )

    assert "127.0.0.1 19092\n" == (tmp_path / "kafka" / "address").read_text()


def test_engine_leaves_a_process_alone_that_is_not_its_dockerd(tmp_path: Path) -> None:
    """A pid file whose number is another program's by now ends nothing."""
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "dockerd.pid").write_text(str(os.getpid()))

    done = subprocess.run(
        [_DEPLOY / "engine.sh", "stop"],
        env=os.environ | {"MEDKG_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (0, "engine: no engine of ours runs\n") == (done.returncode, done.stderr)
