"""Whether servers are containers or processes, and why. Pure."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from medkg_contracts.errors import ConfigurationError

from .images import LOCAL, choose_images

Backend = Literal["containers", "processes"]
BACKENDS: Final[tuple[Backend, ...]] = ("containers", "processes")

#: Chooses where no option does.
VARIABLE: Final = "MEDKG_SERVERS"


@dataclass(frozen=True, slots=True)
class Engine:
    """A Docker engine that answers.

    Attributes:
        images: the names of the images that it has.
    """

    version: str
    images: Collection[str]


@dataclass(frozen=True, slots=True)
class NoEngine:
    """No Docker engine that can be used.

    Attributes:
        why: in a few words.
    """

    why: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What servers are.

    Attributes:
        why: in a few words, for the line that pytest prints.
        images: of each server; empty for processes.
    """

    backend: Backend
    why: str
    images: Mapping[str, str]

    @property
    def line(self) -> str:
        """What pytest prints, so that nobody has to guess."""
        kind = "containers" if self.backend == "containers" else "local processes"
        local = [image for image in self.images.values() if image in LOCAL.values()]
        built = f"; images built here: {', '.join(local)}" if local else ""
        return f"medkg: servers as {kind} ({self.why}){built}"


def forced(option: str | None, environment: Mapping[str, str]) -> Backend | None:
    """The backend that the option, or else MEDKG_SERVERS, asks for; None when neither says anything.

    Raises:
        ConfigurationError: it is neither of the two.
    """
    asked = option or environment.get(VARIABLE)
    for backend in BACKENDS:
        if asked == backend:
            return backend
    if asked:
        raise ConfigurationError(
            f"{VARIABLE} is {asked!r}", remedy=f"Set it to {' or '.join(BACKENDS)}, or leave it to the engine."
        )
    return None


def choose(
    asked: Backend | None, find_engine: Callable[[], Engine | NoEngine], environment: Mapping[str, str]
) -> Choice:
    """Containers where an engine answers and processes elsewhere, unless one of them is asked for.

    Raises:
        ConfigurationError: containers are asked for, and no engine can start them.
    """
    if asked == "processes":
        return Choice("processes", "asked for", {})
    engine = find_engine()
    if isinstance(engine, Engine):
        return Choice("containers", f"Docker engine {engine.version}", choose_images(environment, engine.images))
    if asked == "containers":
        raise ConfigurationError(
            f"servers are to be containers, and no Docker engine answers: {engine.why}",
            remedy=f"Start the engine, or run with --medkg-servers=processes (or {VARIABLE}=processes).",
        )
    return Choice("processes", f"no Docker engine answers: {engine.why}", {})
