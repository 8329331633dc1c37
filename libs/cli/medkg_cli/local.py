"""The stack of this machine: its servers, its services and the settings that both share."""

import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from medkg_artifacts import ArtifactStore
from medkg_contracts.errors import ConfigurationError, NotFound
from medkg_stack import SERVERS, SERVICES, Ports, Report, Server, ServerStatus, Services, Stack

from .settings import CliSettings

ENV_FILE: Final = Path(".env")

#: Requests a second that ingest sends to the local replay server, which is nobody else's.
REPLAY_RATE: Final = 200.0


class Local:
    """The stack that the settings describe.

    Attributes:
        environment: the settings that every service of it is started with.
    """

    def __init__(self, settings: CliSettings, report: Report) -> None:
        self.settings = settings
        self.environment = environment_of(settings)
        self.services = Services(settings.stack_root, self.environment, report)
        self._report = report

    @property
    def stack(self) -> Stack:
        """The servers.

        Raises:
            ConfigurationError: the settings name servers of another machine.
        """
        return Stack(self.settings.stack_root, Ports.of(self.settings), report=self._report)

    def server(self, name: str) -> Server | None:
        """The server with this name, or None when it is none."""
        return self.stack.servers[name] if name in SERVERS else None

    def status(self) -> list[ServerStatus]:
        """A line for each process."""
        return [*self.stack.status(), *self.services.status()]

    def wipe_artifacts(self) -> None:
        """Delete the artifacts, if they are kept in the stack's own folder."""
        folder = ArtifactStore.from_url(self.settings.artifacts_url).root
        if folder.is_dir() and folder.is_relative_to(self.settings.stack_root.absolute()):
            shutil.rmtree(folder)
            self._report("artifacts: wiped")

    def log(self, name: str) -> Path:
        """The log file of a server or service, such as ``kafka``, ``chunk`` or ``chunk-2``.

        Raises:
            NotFound: there is none.
        """
        folder = self.settings.stack_root / "logs"
        for stem in (name, f"{name}-1"):
            if (folder / f"{stem}.log").is_file():
                return folder / f"{stem}.log"
        known = ", ".join(sorted(path.stem for path in folder.glob("*.log"))) or "none"
        raise NotFound(f"there is no log of {name!r}; there are: {known}", remedy="`medkg ps` lists what there is.")


def environment_of(settings: CliSettings) -> dict[str, str]:
    """The settings as the services of this machine need them: with absolute paths, and replay as the source."""
    chosen = {} if settings.accelerator is None else {"MK_ACCELERATOR": settings.accelerator}
    return {
        **settings.addresses(),
        **chosen,
        "MK_OPENSEARCH_URL": settings.opensearch_url,
        "MK_NEO4J_URL": settings.neo4j_url,
        "MK_TOPOLOGIES": str(settings.topologies.absolute()),
        "MK_CTGOV_URL": settings.ctgov_url or settings.replay_url,
        "MK_CTGOV_RATE": f"{settings.ctgov_rate or REPLAY_RATE:g}",
        "MK_REPLAY_PORT": str(settings.replay_port),
        "MK_SEARCH_URL": settings.search_url,
        "MK_SEARCH_PORT": str(settings.search_port),
    }


def write_env(file: Path, environment: Mapping[str, str]) -> list[str]:
    """Add to the file what it does not say yet, so that every command finds this stack; the names that were added."""
    text = file.read_text("utf-8-sig") if file.exists() else ""
    said = {line.partition("=")[0].strip() for line in text.splitlines() if not line.lstrip().startswith("#")}
    missing = [name for name in environment if name not in said]
    if missing:
        start = text if not text or text.endswith("\n") else f"{text}\n"
        file.write_text(start + "".join(f"{name}={environment[name]}\n" for name in missing))
    return missing


def split(names: Collection[str] | None) -> tuple[list[str] | None, list[str] | None]:
    """The servers and the services among the names; None for all of them.

    Raises:
        NotFound: there is no such server or service.
    """
    if names is None:
        return None, None
    check_names(names)
    return [name for name in SERVERS if name in names], [name for name in SERVICES if name in names]


def check_names(names: Collection[str]) -> None:
    """Refuse names that are neither a server's nor a service's.

    Raises:
        NotFound: there is one.
    """
    known = (*SERVERS, *SERVICES)
    for name in names:
        if name not in known:
            raise NotFound(f"there is no server or service {name!r}", remedy=f"There are {', '.join(known)}.")


def read_names(texts: Sequence[str]) -> list[str] | None:
    """The names of an option that is given as ``a,b`` any number of times; None when it is not given."""
    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    return names or None


def read_scale(pairs: Sequence[str]) -> dict[str, int]:
    """How many replicas of which service: ``chunk=3``.

    Raises:
        ConfigurationError: it is not of that form.
        NotFound: there is no such service.
    """
    scale: dict[str, int] = {}
    for pair in (part for text in pairs for part in text.split(",")):
        name, _, count = pair.partition("=")
        if not count.isdecimal():
            raise ConfigurationError(f"--scale {pair!r} is not of the form chunk=3", remedy="Write service=number.")
        if name not in SERVICES:
            raise NotFound(f"there is no service {name!r}", remedy=f"There are {', '.join(SERVICES)}.")
        scale[name] = int(count)
    return scale
