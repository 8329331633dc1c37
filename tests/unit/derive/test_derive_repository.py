"""What is derived from the services' declarations is in the repository as it has to be."""

import tomllib
from pathlib import Path

import pytest
from medkg_contracts.services import installed, load
from medkg_derive.files import derived
from medkg_derive.members import members

ROOT = Path(__file__).parents[3]


def test_everything_derived_is_current() -> None:
    """Every list, container, image, document and table says what the declarations of the services say."""
    files = derived(ROOT)

    stale = [str(path.relative_to(ROOT)) for path, text in files.items() if text != _text(path)]
    assert [] == stale, "run `make derive`"


def _text(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None


@pytest.mark.parametrize("name", installed())
def test_a_package_and_its_service_have_one_description(name: str) -> None:
    """What a package's metadata say of it is what its service declares."""
    project = tomllib.loads((ROOT / "services" / name / "pyproject.toml").read_text())["project"]

    assert load(installed()[name]).description == project["description"]


def test_images_share_a_layer_by_what_they_are_built_upon() -> None:
    """The router reaches stagekit by way of explain, and so shares the layer of the stages; replay does not."""
    found = {member.name: member.foundation for member in members(ROOT)}

    assert ("stagekit", "stagekit", "servicekit") == (found["router"], found["chunk"], found["replay"])
