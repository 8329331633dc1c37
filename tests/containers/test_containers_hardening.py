"""What the images and the compose file promise of themselves."""

import json
import os
import signal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from medkg_contracts.services import installed
from medkg_stack.ports import free_port
from medkg_stack.stack import SERVERS

from tests.shipped import SERVICES

from .project import LOCAL_IMAGES, REPOSITORY, docker, inspect

pytestmark = pytest.mark.containers

MOST_BYTES = 250_000_000
#: Of those that have models or vocabularies in them, and what these run on, and of the command, which fetches models.
LARGER = {
    "chunk": 600_000_000,
    "embed": 600_000_000,
    "extract": 290_000_000,
    "search": 800_000_000,
    "splade": 550_000_000,
    "cli": 280_000_000,
}
MODULES = {name: entry.module.partition(".")[0] for name, entry in installed().items()}
OVERLAYS = sorted(path.name for path in (REPOSITORY / "deploy" / "compose").glob("*.yml"))


def configuration(*files: str, profiles: str = "*") -> Any:
    """The whole configuration as Docker Compose understands it."""
    words = [word for file in ("docker-compose.yml", *files) for word in ("-f", file)]
    return json.loads(docker("compose", *words, "--profile", profiles, "config", "--format", "json", COMPOSE_FILE=""))


@pytest.mark.parametrize("name", [*SERVICES, "cli"])
def test_image_is_small_and_says_what_it_is(name: str) -> None:
    """An image of ours is below its bound, does not run as root, and is labelled with version and revision."""
    image = inspect(f"medkg/{name}:0.1.0")
    labels = image["Config"]["Labels"]

    assert image["Size"] < LARGER.get(name, MOST_BYTES)
    assert "10001:10001" == image["Config"]["User"]
    assert ("0.1.0", f"medkg {name}") == (
        labels["org.opencontainers.image.version"],
        labels["org.opencontainers.image.title"],
    )
    assert labels["org.opencontainers.image.revision"]
    assert ("Healthcheck" in image["Config"]) is (name != "cli")


@pytest.mark.parametrize("name", [*SERVICES, "cli"])
def test_image_holds_only_what_its_service_needs(name: str) -> None:
    """An image has the code of its own service, and neither the other stages' nor a compiler or a package manager."""
    modules = [*MODULES.values(), "pytest", "medkg_testing"]
    commands = ["gcc", "pip", "uv", "curl"]
    code = (
        "import importlib.util, json, shutil\n"
        f"print(json.dumps([[each for each in {modules} if importlib.util.find_spec(each)],"
        f" [each for each in {commands} if shutil.which(each)]]))"
    )
    image = f"medkg/{name}:0.1.0"
    found = json.loads(docker("run", "--rm", "--network", "none", "--entrypoint", "python", image, "-c", code))

    assert [[MODULES[name]] if name in SERVICES else [], []] == found


@pytest.mark.parametrize("name", ["chunk", "embed", "search"])
def test_image_reads_texts_by_meaning_without_a_network(name: str) -> None:
    """Where a model makes dense vectors on the processor, the image has it, its tokenizer, and what runs it."""
    code = (
        "import asyncio\n"
        "from medkg_models.dense_opening import DenseSettings, open_dense\n"
        "async def read():\n"
        "    encoder = await open_dense(DenseSettings(), 'cpu')\n"
        "    print((await encoder.encode_each(['heart failure'])).vectors.shape)\n"
        "    await encoder.close()\n"
        "asyncio.run(read())\n"
    )
    hard = ("--network", "none", "--read-only", "--tmpfs", "/tmp")  # noqa: S108 - the container's own
    found = docker("run", "--rm", *hard, "--entrypoint", "python", f"medkg/{name}:0.1.0", "-c", code)

    assert "(1, 384)" == found.strip()


@pytest.mark.parametrize("name", ["extract", "search"])
def test_image_knows_names_without_compiling_them(name: str) -> None:
    """Vocabularies are compiled in the image: a container that can write nowhere opens them."""
    code = (
        "from medkg_vocabulary.settings import VocabularySettings\n"
        "print([each.about.name for each in VocabularySettings().open_vocabularies()])\n"
    )
    hard = ("--network", "none", "--read-only")
    found = docker("run", "--rm", *hard, "--entrypoint", "python", f"medkg/{name}:0.1.0", "-c", code)

    assert "['mesh', 'doid']" == found.strip()


@pytest.mark.parametrize("overlay", ["", *OVERLAYS])
def test_configuration_is_valid_with_every_overlay_and_profile(overlay: str) -> None:
    """Docker Compose accepts the file alone and with each overlay, in every profile."""
    files = [f"deploy/compose/{overlay}"] if overlay else []
    whole = configuration(*files)["services"]
    core = configuration(*files, profiles="core")["services"]

    assert {*SERVICES, *SERVERS, "topics"} == core.keys()
    assert core.keys() <= whole.keys()


def test_what_is_published_is_for_this_machine_alone() -> None:
    """Every published port listens on 127.0.0.1."""
    ports = [port for service in configuration()["services"].values() for port in service.get("ports", ())]

    assert {"127.0.0.1"} == {port["host_ip"] for port in ports}
    assert 6 == len(ports)


@pytest.mark.parametrize("name", [*SERVICES, "topics", "medkg"])
def test_service_has_no_rights_that_it_does_not_need(name: str) -> None:
    """A service of ours cannot write to its root file system, gain rights or use without bound."""
    service = configuration()["services"][name]
    limits = service["deploy"]["resources"]["limits"]

    assert service["read_only"] is True
    assert ["ALL"] == service["cap_drop"]
    assert ["no-new-privileges:true"] == service["security_opt"]
    assert limits["memory"]
    assert limits["cpus"]


@pytest.mark.parametrize("name", ["kafka", "chunk"])
def test_container_that_is_stopped_while_it_starts_ends(name: str) -> None:
    """What is told to stop before it can listen to signals ends all the same, and is not killed after its grace."""
    files = {
        "COMPOSE_PROJECT_NAME": f"medkg-stop-{uuid4().hex[:8]}",
        "COMPOSE_FILE": os.pathsep.join(("docker-compose.yml", LOCAL_IMAGES)),
        "MK_KAFKA_PORT": str(free_port()),
    }
    try:
        docker("compose", "up", "--no-start", "--no-deps", name, **files)
        container = docker("compose", "ps", "--all", "--quiet", name, **files).strip()
        docker("start", container)
        docker("stop", "--time", "15", container)
        code = inspect(container)["State"]["ExitCode"]
    finally:
        docker("compose", "down", "--volumes", **files)

    assert code in {0, 128 + signal.SIGTERM}


def test_local_images_need_no_registry() -> None:
    """With the override every third-party server is an image that was built here and is never pulled."""
    services = configuration(LOCAL_IMAGES)["services"]

    assert all(services[name]["image"].startswith("medkg/") for name in SERVERS)
    assert {"never"} == {services[name]["pull_policy"] for name in SERVERS}


def test_a_profile_of_ones_own_needs_no_change_of_the_file(tmp_path: Path) -> None:
    """A stage in a profile of its own comes with a file of a few lines beside docker-compose.yml."""
    overlay = tmp_path / "gpu.yml"
    overlay.write_text(
        "services:\n"
        "  summarise:\n"
        f"    extends: {{file: {REPOSITORY / 'docker-compose.yml'}, service: chunk}}\n"
        "    image: medkg/summarise\n"
        "    profiles: [gpu]\n"
    )
    without = configuration(str(overlay), profiles="core")["services"]
    having = configuration(str(overlay), profiles="gpu")["services"]

    assert "summarise" not in without
    assert (True, "medkg/summarise") == (having["summarise"]["read_only"], having["summarise"]["image"])
    assert having["chunk"]["environment"] == having["summarise"]["environment"]
