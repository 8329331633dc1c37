"""`medkg new` in a checkout, and elsewhere."""

import json
from pathlib import Path

import pytest
from medkg_cli.app import build
from typer.testing import CliRunner, Result


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which the command runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new_stage(*words: str) -> Result:
    return CliRunner().invoke(build("new"), ["new", "stage", *words])


def test_a_stage_is_written_and_what_is_next_is_said(folder: Path) -> None:
    """The files are listed, then how to install and test them, and how a topology uses the stage."""
    result = new_stage("things", "--input", "document", "--output", "things")

    assert 0 == result.exit_code
    assert (folder / "things" / "medkg_things" / "stage.py").is_file()
    assert "things/medkg_things/stage.py\n" in result.stdout
    assert "  uv pip install --editable things\n  pytest things\n" in result.stdout
    assert result.stdout.endswith("  - name: things\n    type: Stage\n    depends_on: [parse]\n"
                                  "    inputs: [document]\n    outputs: [things]\n")  # fmt: skip


def test_in_a_checkout_it_is_a_service(folder: Path) -> None:
    """In a checkout of medkg the package stands among the services, and what follows from it has to be derived."""
    (folder / "services").mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "medkg"\n')

    result = new_stage("things", "--input", "document", "--output", "things")

    assert (folder / "services" / "things" / "pyproject.toml").is_file()
    assert "  make derive\n" in result.stdout


def test_folder_and_package_can_be_named(folder: Path) -> None:
    """The package is written to the folder that is named, and is called as one likes."""
    words = ["--folder", "packages/x", "--package", "acme_things", "--json"]
    result = new_stage("things", "--input", "document", "--input", "chunks", "--output", "things", *words)

    found = json.loads(result.stdout)
    assert ("packages/x", "  inputs: [document, chunks]") == (found["folder"], found["topology"][3])
    assert all((folder / file).is_file() for file in found["files"])
    assert "packages/x/acme_things/app.py" in found["files"]


def test_what_cannot_be_done_is_refused() -> None:
    """A name that cannot be used ends with the exit code for what is refused, and says why."""
    result = new_stage("Things", "--input", "document", "--output", "things")

    assert (5, True) == (result.exit_code, "'Things' cannot be a name" in result.stderr)
