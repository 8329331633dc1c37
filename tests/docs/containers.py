"""What a page's command about containers names, compared with what is there. Nothing is run, no engine is needed."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import yaml

from .blocks import REPOSITORY

COMPOSE: Final[dict[str, Any]] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
DOCKERFILE: Final = (REPOSITORY / "deploy" / "images" / "Dockerfile").read_text()

#: The verbs of the script that starts an engine.
ENGINE: Final = set(re.findall(r"^([a-z]+)\) [a-z]+ ;;", (REPOSITORY / "deploy/engine.sh").read_text(), re.MULTILINE))

#: The services, and what pages have their readers add.
SERVICES: Final = {*COMPOSE["services"], "readability"}
FILES: Final = {"our-stages.yml"}

#: The verbs of Docker Compose 2.26 that pages use, with their options; after one with `=` stands its value.
VERBS: Final = {
    "build": set[str](),
    "create": set[str](),
    "down": {"-v"},
    "exec": set[str](),
    "kill": set[str](),
    "logs": {"-f", "--tail="},
    "ls": set[str](),
    "ps": {"--all"},
    "restart": set[str](),
    "rm": {"--stop", "--force"},
    "run": {"--rm", "-T", "--no-deps", "-v="},
    "stop": set[str](),
    "up": {"-d", "--wait", "--no-deps", "--scale="},
}


def check_containers(words: Sequence[str]) -> list[str]:
    """Compare a command about containers.

    Returns:
        what it gives to the command in the container `medkg`.

    Raises:
        LookupError: something that it names is not there.
    """
    match words:
        case ("docker", "compose", *rest):
            return check_compose(rest)
        case ("docker", "run", *rest):
            _check_run(rest)
        case ("docker", "build", *rest):
            _check_build(rest)
        case ("docker", "volume", "rm", name):
            _check_volume(name)
        case ("docker", "inspect", "--format", _, container):
            service = container.removeprefix("medkg-").removesuffix("-1")
            _require(service in SERVICES, "container", container)
        case ("docker", "stats", "--no-stream"):
            pass
        case ("export", setting):
            _check_files(setting)
        case ("deploy/engine.sh", verb):
            _require(verb in ENGINE, "verb", verb)
        case ("eval", "$(deploy/engine.sh env)") | ("deploy/images/build.sh",):
            pass
        case _:
            _require(False, "command", " ".join(words))
    return []


def check_compose(words: Sequence[str]) -> list[str]:
    """Compare the words behind `docker compose`; capitals stand for a reader's own.

    Returns:
        what a `run` gives to the command in the container `medkg`.

    Raises:
        LookupError: there is no such verb, option, service or file.
    """
    rest = _own_options(list(words))
    verb = rest.pop(0)
    _require(verb in VERBS, "verb", verb)
    while rest:
        word = rest.pop(0)
        if f"{word}=" in VERBS[verb]:
            value = rest.pop(0)
            _require(word != "--scale" or value.partition("=")[0] in SERVICES, "service", value)
        elif word.startswith("-"):
            _require(word in VERBS[verb], f"option of {verb}", word)
        else:
            _require(word in SERVICES or word.isupper(), "service", word)
            if verb in {"run", "exec"}:
                return rest if word == "medkg" else []
    return []


def _check_files(setting: str) -> None:
    """Compare the files that a `COMPOSE_FILE=…` names."""
    name, _, files = setting.partition("=")
    _require(name == "COMPOSE_FILE", "variable", name)
    for file in files.split(":"):
        _require(file in FILES or (REPOSITORY / file).is_file(), "file", file)


def _check_run(words: Sequence[str]) -> None:
    """Compare the volumes that a `docker run` mounts with those of the project `medkg`."""
    for option, value in pairwise(words):
        if option == "-v" and not value.startswith("$"):
            _check_volume(value.partition(":")[0])


def _check_volume(name: str) -> None:
    _require(name.removeprefix("medkg_") in COMPOSE["volumes"], "volume", name)


def _check_build(words: Sequence[str]) -> None:
    """Compare the arguments and the target of a `docker build` with the Dockerfile."""
    for option, value in pairwise(words):
        if option == "--build-arg":
            name = value.partition("=")[0]
            _require(re.search(rf"^ARG {name}\b", DOCKERFILE, re.MULTILINE) is not None, "argument", name)
        if option == "--target":
            _require(f" AS {value}\n" in DOCKERFILE, "target", value)


def _own_options(words: list[str]) -> list[str]:
    """The words without the options of Compose itself, which stand before the verb."""
    while words and words[0].startswith("-"):
        option, value = words.pop(0), words.pop(0)
        _require(option in {"-f", "-p"}, "option", option)
        _require(option != "-f" or (REPOSITORY / value).is_file(), "file", value)
    return words


def _require(there: bool, what: str, name: str) -> None:
    if not there:
        raise LookupError(f"No such {what}: {name}")
