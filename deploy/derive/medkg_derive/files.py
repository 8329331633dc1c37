"""All files of the checkout that are derived, wholly or in part."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from medkg_contracts.errors import ConfigurationError

from . import containers, documents, lists
from .blocks import renewed
from .members import Member, members


def derived(root: Path) -> dict[Path, str | None]:
    """Each file and what has to be in it; None for one that has to go.

    Raises:
        ConfigurationError: a service is not declared as it should be, or a file has lost its derived blocks.
    """
    services = members(root)
    files: dict[Path, str | None] = {}
    for name, blocks in _blocks(services).items():
        try:
            files[root / name] = renewed((root / name).read_text(), blocks)
        except ConfigurationError as error:
            raise ConfigurationError(f"{name}: {error}", remedy=error.info.remedy) from error
    return files | _documents(root / "asyncapi", services)


def _blocks(services: Sequence[Member]) -> Mapping[str, Mapping[str, list[str]]]:
    return {
        "pyproject.toml": lists.project_blocks(services),
        "libs/testing/pyproject.toml": {"dependencies": lists.dependencies(services)},
        "docker-compose.yml": {"services": containers.compose_services(services)},
        "deploy/images/docker-bake.hcl": {"services": containers.bake_items(services)},
        "deploy/images/build.sh": {"services": containers.image_names(services)},
        "README.md": {"services": lists.readme_table(services)},
        "docs/guides/run-on-docker-compose.md": {"services": lists.container_table(services)},
    }


def _documents(folder: Path, services: Sequence[Member]) -> dict[Path, str | None]:
    made = {folder / name / "asyncapi.yaml": text for name, text in documents.documents(services).items()}
    found = {path: path.read_text().startswith(documents.HEADER) for path in folder.glob("*/asyncapi.yaml")}
    # A plain stage that does more than its kind has a document that is written by hand.
    written = {path: text for path, text in made.items() if found.get(path, True)}
    return {**dict.fromkeys(path for path, is_derived in found.items() if is_derived), **written}
