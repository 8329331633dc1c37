"""What the guide says of docker-compose.yml is so."""

import json
import re
from pathlib import Path

import pytest

from tests.containers.project import docker

from .blocks import DOCS, REPOSITORY, titled
from .containers import VERBS

GUIDE = DOCS / "guides" / "run-on-docker-compose.md"


def test_every_variable_stands_in_the_guide_with_its_default() -> None:
    """The guide's table has the variables of docker-compose.yml, all of them and with their defaults."""
    obeyed = re.findall(r"\$\{(\w+):-([^}]*)\}", (REPOSITORY / "docker-compose.yml").read_text())
    shown = re.findall(r"^\| `((?:MK|MEDKG)_\w+)` \| (?:`([^`]+)` )?\|", GUIDE.read_text(), re.MULTILINE)

    assert set(obeyed) == set(shown)
    assert len(shown) == len(set(shown))


@pytest.mark.containers
@pytest.mark.parametrize("verb", VERBS)
def test_verbs_of_pages_are_verbs_of_docker_compose(verb: str) -> None:
    """Docker Compose has each verb that pages may use, with each of its options."""
    known = set(re.findall(r"--?[a-zA-Z][a-z-]*", docker("compose", verb, "--help")))

    assert {option.removesuffix("=") for option in VERBS[verb]} <= known


@pytest.mark.containers
def test_the_guides_own_stage_is_as_protected_as_ours(tmp_path: Path) -> None:
    """Docker Compose takes the guide's file, and the stage in it has all that a stage of ours has."""
    file = tmp_path / "our-stages.yml"
    file.write_text(titled(GUIDE, file.name).text)

    words = ("-f", "docker-compose.yml", "-f", str(file), "config", "--format", "json")
    services = json.loads(docker("compose", *words, COMPOSE_FILE=""))["services"]
    ours, theirs = services["validate"], services["readability"]

    assert {"image", "build"} == {name for name in ours | theirs if ours.get(name) != theirs.get(name)}
    assert ("medkg/readability:0.1.0", {"SERVICE": "readability", "SOURCE": "services/readability"}) == (
        theirs["image"],
        theirs["build"]["args"],
    )
