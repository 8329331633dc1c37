"""The plugin within pytest: its line, its refusals, and what it costs those who need no server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

NEEDS_REDIS = "def test_it(redis):\n    assert redis.url\n"
NEEDS_NOTHING = "def test_it():\n    assert True\n"
NEEDS_THE_STACK = "def test_it(medkg_stack):\n    assert medkg_stack.kafka\n"


def run(folder: Path, test: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on one file, with an engine that cannot answer."""
    (folder / "test_it.py").write_text(test)
    (folder / "pytest.ini").touch()
    known = {name: value for name, value in os.environ.items() if name not in {"MEDKG_SERVERS", "DOCKER_CONTEXT"}}
    nowhere = {"DOCKER_HOST": f"unix://{folder}/no-engine.sock"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        command, cwd=folder, env=known | nowhere | environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_line_says_what_servers_are_and_why(tmp_path: Path) -> None:
    """A run with a test that needs a server says what servers are, before the first test."""
    result = run(tmp_path, NEEDS_REDIS, "--collect-only")

    expected = "medkg: servers as local processes (no Docker engine answers: No such file or directory)"
    assert expected in result.stdout.splitlines()


def test_a_run_without_servers_is_left_alone(tmp_path: Path) -> None:
    """A run whose tests need no server prints no line, even where the engine that is asked for is missing."""
    result = run(tmp_path, NEEDS_NOTHING, MEDKG_SERVERS="containers")

    assert (0, False) == (result.returncode, "medkg: servers" in result.stdout)


def test_missing_containers_end_the_run(tmp_path: Path) -> None:
    """Containers that are asked for where no engine answers end the run as a wrong option does, with the way out."""
    result = run(tmp_path, NEEDS_REDIS, "--medkg-servers=containers")

    said = (
        "servers are to be containers, and no Docker engine answers: No such file or directory. "
        "Start the engine, or run with --medkg-servers=processes (or MEDKG_SERVERS=processes)."
    )
    assert (pytest.ExitCode.USAGE_ERROR, True) == (result.returncode, said in result.stderr)


def test_a_folder_without_topologies_is_refused(tmp_path: Path) -> None:
    """A setting that names a folder without pipelines ends the run before any server is started."""
    result = run(tmp_path, NEEDS_THE_STACK, "-o", "medkg_topologies=elsewhere", MEDKG_SERVERS="processes")

    assert f"medkg_topologies: {tmp_path / 'elsewhere'} has no folder pipelines/" in result.stdout


def test_loading_the_plugin_imports_no_client() -> None:
    """The plugin is loaded in every run of pytest, so it brings neither clients nor the engine's library."""
    heavy = "{'aiokafka', 'docker', 'testcontainers', 'pydantic', 'medkg_operations'}"
    code = f"import sys, medkg_testing.plugin; print(sorted({heavy} & sys.modules.keys()))"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert "[]" == result.stdout.strip()
