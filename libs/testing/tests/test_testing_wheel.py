"""The wheels have what a project without a checkout needs."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from medkg_testing.shipped import shipped

PACKAGE = Path(__file__).parents[1]
REPOSITORY = PACKAGE.parents[1]
SHIPPED = "medkg_testing/shipped_files"
#: The packages that have files of their own besides code.
BUILT = ("testing", "operations", "cli")
FOLDERS = ("topologies", "asyncapi", "deploy/compose")


def uv() -> str:
    """The uv that runs us, or the one on the path, or the one that `make setup` installed."""
    cache = Path(os.environ.get("MEDKG_CACHE", Path.home() / ".cache" / "medkg"))
    return os.environ.get("UV") or shutil.which("uv") or str(cache / "uv" / "bin" / "uv")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheels, unpacked as an installation does it."""
    folder: Path = tmp_path_factory.mktemp("wheel")
    command = [uv(), "build", "--quiet", "--wheel", "--python", sys.executable, "--out-dir", str(folder)]
    for package in BUILT:
        built = [*command, str(REPOSITORY / "libs" / package)]
        subprocess.run(built, check=True, capture_output=True, timeout=240)
    for built_wheel in folder.glob("*.whl"):
        zipfile.ZipFile(built_wheel).extractall(folder / "unpacked")
    return folder / "unpacked"


def test_the_wheel_has_the_products_files(wheel: Path) -> None:
    """The compose file and all files of the folders that a run needs are in the wheel as they are, and nothing else."""
    kept = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "docker-compose.yml", *FOLDERS)
    listed = subprocess.run(kept, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split()
    files = {path: (wheel / SHIPPED / path).read_bytes() for path in listed if (wheel / SHIPPED / path).is_file()}

    found = {str(path.relative_to(wheel / SHIPPED)) for path in (wheel / SHIPPED).rglob("*") if path.is_file()}
    assert set(listed) == found
    assert {path: (REPOSITORY / path).read_bytes() for path in listed} == files


def test_the_wheel_is_a_plugin_of_pytest(wheel: Path) -> None:
    """A project that installs the wheel has the plugin by the wheel's entry point."""
    (entries,) = wheel.glob("medkg_testing-*.dist-info/entry_points.txt")

    assert "[pytest11]\nmedkg = medkg_testing.plugin" == entries.read_text().strip()


def test_an_installed_wheel_uses_its_own_files(wheel: Path) -> None:
    """Imported from the wheel, the package takes its files from itself; imported from a checkout, from there."""
    code = "from medkg_testing.shipped import shipped; print(shipped('topologies'))"
    environment = {**os.environ, "PYTHONPATH": str(wheel)}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )

    assert [wheel / SHIPPED / "topologies", REPOSITORY / "topologies"] == [
        Path(result.stdout.strip()),
        shipped("topologies"),
    ]


@pytest.mark.timeout(300)
def test_the_installed_command_makes_a_stage_that_passes_its_tests(wheel: Path, tmp_path: Path) -> None:
    """In an empty folder, without a checkout, a new stage is made, and passes the suite of all stages as it is."""
    artifacts = ["--input", "document", "--input", "chunks", "--output", "findings", "--output", "payloads"]
    words = ["new", "stage", "findings", *artifacts, "--package", "acme_findings"]

    _run(tmp_path, wheel, "-c", "from medkg_cli.app import main; main()", *words)
    said = _run(tmp_path, f"{wheel}:{tmp_path / 'findings'}", "-m", "pytest", "-p", "no:cacheprovider", "findings")

    assert " passed" in said.splitlines()[-1]
    assert "failed" not in said


def _run(folder: Path, path: object, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout
