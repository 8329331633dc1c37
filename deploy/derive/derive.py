"""Writes what follows from the declarations of the services: `make derive`."""

import sys
from pathlib import Path

from medkg_contracts.errors import MedkgError
from medkg_derive.files import derived

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Write each file that has to change, and say which; what they are read from is `medkg_derive.files`."""
    try:
        files = derived(ROOT)
    except MedkgError as error:
        sys.exit(f"derive: {error} {error.info.remedy}")
    changed = [path for path, text in files.items() if text != (path.read_text() if path.is_file() else None)]
    for path in changed:
        _write(path, files[path])
        print(f"derive: {path.relative_to(ROOT)}")
    if any(path.name == "pyproject.toml" for path in changed):
        print("derive: now `uv sync --all-packages --all-groups`, which writes the lock")


def _write(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    main()
