"""The wheel has what a project without a checkout needs."""

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
FOLDERS = ("topologies", "asyncapi", "deploy/compose")


def uv() -> str:
    """The uv that runs us, or the one on the path, or the one that `make setup` installed."""
    cache = Path(os.environ.get("MEDKG_CACHE", Path.home() / ".cache" / "medkg"))
    return os.environ.get("UV") or shutil.which("uv") or str(cache / "uv" / "bin" / "uv")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel, unpacked."""
    folder: Path = tmp_path_factory.mktemp("wheel")
    command = [uv(), "build", "--quiet", "--wheel", "--python", sys.executable, "--out-dir", str(folder), str(PACKAGE)]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    (built,) = folder.glob("*.whl")
    zipfile.ZipFile(built).extractall(folder / "unpacked")
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
    (entries,) = wheel.glob("*.dist-info/entry_points.txt")

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
