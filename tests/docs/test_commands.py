"""Every command that a page shows exists."""

import re
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from medkg_cli.app import build
from typer.main import get_command

from .blocks import PAGES, REPOSITORY, blocks, commands
from .containers import ENGINE, check_compose, check_containers

ALL = sorted({command.words for page in PAGES for block in blocks(page) for command in commands(block)})
#: Modules that a guide has its reader write.
WRITTEN = ("medkg_readability.app",)
TARGETS = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
_INLINE = re.compile(
    r"`(?:[A-Z_]+=\S+ )?((?:(?:uv run )?(?:medkg|make)|deploy/engine\.sh) [a-z][^`]*|docker compose [a-z-][^`]*)`"
)
MENTIONED = sorted({text for page in PAGES for text in _INLINE.findall(page.read_text())})


def found(words: Iterable[str]) -> tuple[Any, list[str]]:
    """The command that the words name, as the command line finds it, and the words that are left for it."""
    command: Any = get_command(build())
    rest = list(words)
    while hasattr(command, "resolve_command") and rest:
        context = command.context_class(command, info_name="medkg")
        _, command, rest = command.resolve_command(context, rest)
    return command, rest


def check_medkg(words: Iterable[str]) -> None:
    """Parse the words as the command line would, without running anything."""
    command, rest = found(words)
    command.make_context("medkg", rest)


@pytest.mark.parametrize("words", [["restrat", "kafka"], ["submit", "--wiat", "ctgov"], ["topology", "lnt"]])
def test_a_wrong_command_is_found(words: list[str]) -> None:
    """A command or option that does not exist does not pass this file's own check."""
    with pytest.raises(Exception, match="No such"):
        check_medkg(words)


@pytest.mark.parametrize(
    "words",
    [
        ["upp"],
        ["up", "--wiat"],
        ["up", "-d", "--scale", "chnk=3"],
        ["logs", "-f", "rooter"],
        ["run", "--rm", "medgk", "status"],
        ["-f", "docker-compose.yaml", "up"],
    ],
)
def test_a_wrong_compose_command_is_found(words: list[str]) -> None:
    """A verb, option, service or file that Docker Compose would not find does not pass either."""
    with pytest.raises(LookupError, match="No such"):
        check_compose(words)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_a_shown_command_exists(words: tuple[str, ...]) -> None:
    """The command line takes a ``medkg`` command, and what any other command names is there."""
    match words:
        case ("make", *targets):
            assert set(targets) <= TARGETS
        case ("uv", "run", "medkg", *rest):
            check_medkg(rest)
        case ("uv", "run", "python", "-m", module):
            assert module in WRITTEN or find_spec(module) is not None
        case ("uv", "run", "python", file, *_):
            assert (REPOSITORY / file).is_file()
        case ("uv", "run", "pytest", *rest):
            paths = [word for word in rest if "/" in word and "readability" not in word]
            assert [] == [path for path in paths if not (REPOSITORY / path).exists()]
        case ("docker" | "export" | "eval" | "deploy/engine.sh" | "deploy/images/build.sh", *_):
            if inside := check_containers(words):
                check_medkg(inside)
        case _:
            assert ("uv", "sync", "--all-packages", "--all-groups") == words


@pytest.mark.parametrize("text", MENTIONED)
def test_a_mentioned_command_exists(text: str) -> None:
    """A command within a sentence exists; capitals stand for a reader's own words, and dots for any."""
    program, *rest = [word for word in text.removeprefix("uv run ").split() if word != "…"]
    match program:
        case "make":
            assert set(rest) <= TARGETS
        case "deploy/engine.sh":
            assert set(rest) <= ENGINE
        case "docker":
            found(check_compose(rest[1:]))
        case _:
            found(rest)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_mentioned_paths_exist(page: Path) -> None:
    """A path of the repository within a sentence, and a test that is named as a proof, are there."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    mentioned = re.findall(r"`((?:libs|services|topologies|asyncapi|tests|docs|\.ci)/[\w./-]*)(?:::(\w+))?`", prose)
    missing = [
        (path, name)
        for path, name in mentioned
        if "readability" not in path
        and "YYYY" not in path
        and (not (REPOSITORY / path).exists() or (name and name not in (REPOSITORY / path).read_text()))
    ]

    assert [] == missing
