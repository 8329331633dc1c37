"""OpenSearch, a single node without the security plugin, from its minimal distribution."""

import os
import zipfile
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from medkg_contracts.errors import IndexUnavailable, ResourceUnavailable

from .account import cache_folder, data_folder, drop, give
from .cache import Cache
from .java import Java, find_java
from .kafka import Profile
from .maven import entry_name, run_goal
from .ports import HOST, Ports, require_free
from .probe import http_ok
from .process import Launch, Process
from .server import ServerStatus, remove, status_of

VERSION = "3.6.0"
MINIMUM_JAVA = 21

_HEAP = "512m"
_START_TIMEOUT_S = 120.0
_STOP_GRACE_S = 30.0
_ARTIFACT = f"org.opensearch.distribution.integ-test-zip:opensearch:{VERSION}:zip"
_COMPACT_HEADERS_SINCE = 25
# What a search index of ours never uses; without them it starts faster.
_UNUSED_MODULES = frozenset(
    {
        "ingest-geoip",
        "ingest-user-agent",
        "transport-grpc",
        "opensearch-dashboards",
        "repository-url",
        "lang-mustache",
        "geo",
    }
)


class OpenSearch:
    """One OpenSearch.

    Attributes:
        name: ``opensearch``.
        address: its URL.
        data: its folder; under /var/lib/medkg if we are root and the stack's folder is closed to others.
    """

    name = "opensearch"

    def __init__(self, root: Path, ports: Ports, cache: Cache, profile: Profile = "dev") -> None:
        self.address = f"http://{HOST}:{ports.opensearch}"
        self.data = data_folder(root / "opensearch")
        self._ports = ports
        self._profile = profile
        self._cache = Cache(cache_folder(cache.root))
        self._process = Process(root, self.name, IndexUnavailable)

    @property
    def prepared(self) -> bool:
        """Whether its distribution was fetched."""
        return (self._cache.root / _entry()).is_dir()

    def prepare(self) -> None:
        """Fetch its distribution, where that was not done.

        Raises:
            ConfigurationError: Maven or a new enough Java is missing.
            ResourceUnavailable: it could not be fetched.
        """
        _ = (self._java, self._home)

    def start(self) -> None:
        """Start it on the data that it has.

        Raises:
            ConfigurationError: a port is taken, or a new enough Java is missing.
            IndexUnavailable: it ended or did not answer in time.
        """
        port = self._ports.opensearch
        if self._process.running is None:
            require_free("OpenSearch", port, self._ports.opensearch_transport)
            self._configure()
        self._process.start(
            Launch(
                argv=[*drop(), *self._argv()],
                ready=lambda: http_ok(port, "/_cluster/health?wait_for_status=yellow&timeout=1s"),
                timeout_s=_START_TIMEOUT_S,
                env={**os.environ, "HOME": str(self.data)},
                cwd=self.data,
            )
        )

    def stop(self) -> None:
        """Flush its indexes and end."""
        self._process.stop(_STOP_GRACE_S)

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()

    def wipe(self) -> None:
        """End it and delete its data."""
        self.kill()
        remove(self.data)

    def status(self) -> list[ServerStatus]:
        """Its line."""
        return [status_of(self._process, self.address)]

    @cached_property
    def _java(self) -> Java:
        return find_java(MINIMUM_JAVA)

    @cached_property
    def _home(self) -> Path:
        return self._cache.entry(_entry(), _unpack) / f"opensearch-{VERSION}"

    def _configure(self) -> None:
        for part in ("config", "data", "logs", "tmp"):
            (self.data / part).mkdir(parents=True, exist_ok=True)
        settings = {
            "cluster.name": "medkg",
            "node.name": "opensearch-1",
            "discovery.type": "single-node",
            "network.host": HOST,
            "http.port": self._ports.opensearch,
            "transport.port": self._ports.opensearch_transport,
            "path.data": self.data / "data",
            "path.logs": self.data / "logs",
            "node.processors": 2,
            # A full disk elsewhere on a developer's machine must not turn the indexes read-only.
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            # An index that nobody created with its mapping is a mistake in a name.
            "action.auto_create_index": "false",
        }
        text = "".join(f"{name}: {value}\n" for name, value in settings.items())
        (self.data / "config" / "opensearch.yml").write_text(text)
        logging = files("medkg_stack").joinpath("conf", "opensearch-log4j2.properties").read_text()
        (self.data / "config" / "log4j2.properties").write_text(logging)
        give(self.data)

    def _argv(self) -> list[str]:
        home = self._home
        compact = ["-XX:+UseCompactObjectHeaders"] if self._java.major >= _COMPACT_HEADERS_SINCE else []
        return [
            str(self._java.command),
            f"-Xms{_HEAP}",
            f"-Xmx{_HEAP}",
            "-XX:+UseSerialGC",
            # What runs for minutes only is not worth being compiled fully.
            *(["-XX:TieredStopAtLevel=1"] if self._profile == "dev" else []),
            "-XX:-UsePerfData",
            "-XX:+ExitOnOutOfMemoryError",
            *compact,
            "-Dfile.encoding=UTF-8",
            "-Djna.nosys=true",
            "-Dio.netty.noUnsafe=true",
            "-Dio.netty.noKeySetOptimization=true",
            "-Dio.netty.recycler.maxCapacityPerThread=0",
            "-Dio.netty.allocator.numDirectArenas=0",
            "-Dlog4j.shutdownHookEnabled=false",
            "-Dlog4j2.disable.jmx=true",
            f"-Djava.io.tmpdir={self.data / 'tmp'}",
            "-Djava.net.preferIPv4Stack=true",
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "--add-opens=java.base/java.nio=ALL-UNNAMED",
            "-Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1",
            f"-javaagent:{home / 'agent' / 'opensearch-agent.jar'}",
            f"-Dopensearch.path.home={home}",
            f"-Dopensearch.path.conf={self.data / 'config'}",
            "-Dopensearch.distribution.type=zip",
            "-Dopensearch.bundled_jdk=false",
            "-cp",
            f"{home / 'lib'}/*",
            "org.opensearch.bootstrap.OpenSearch",
        ]


def _entry() -> str:
    return entry_name("opensearch", VERSION)


def _unpack(folder: Path) -> None:
    """Fetch the distribution into the folder and unpack what is used of it."""
    run_goal("opensearch", folder, ["dependency:copy", f"-Dartifact={_ARTIFACT}"])
    archive = folder / f"opensearch-{VERSION}.zip"
    if not archive.is_file():
        raise ResourceUnavailable(f"Maven fetched no {archive.name}")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder, [name for name in packed.namelist() if _used(name)])
    archive.unlink()


def _used(name: str) -> bool:
    parts = name.split("/")
    return not (parts[1:2] == ["modules"] and parts[2:3] and parts[2] in _UNUSED_MODULES)
