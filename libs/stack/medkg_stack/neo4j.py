"""Neo4j Community, a single node without a password, from its jars."""

from functools import cached_property
from pathlib import Path

from medkg_contracts.errors import GraphUnavailable

from . import neo4j_config
from .cache import Cache
from .java import Java, find_java
from .kafka import Profile
from .maven import entry_name, jars
from .ports import HOST, require_free
from .probe import bolt_answers
from .process import Launch, Process
from .server import ServerStatus, remove, status_of

VERSION = "2026.08.1"
MINIMUM_JAVA = 21

_START_TIMEOUT_S = 120.0
_STOP_GRACE_S = 60.0
_COMPACT_HEADERS_SINCE = 25
_UNSAFE_FLAG_SINCE = 24


class Neo4j:
    """One Neo4j.

    Attributes:
        name: ``neo4j``.
        address: its Bolt URL.
    """

    name = "neo4j"

    def __init__(self, root: Path, port: int, cache: Cache, profile: Profile = "dev") -> None:
        self.address = f"bolt://{HOST}:{port}"
        self._port = port
        self._data = root / self.name
        self._cache = cache
        self._profile = profile
        self._process = Process(root, self.name, GraphUnavailable)

    @property
    def prepared(self) -> bool:
        """Whether its jars were fetched."""
        return (self._cache.root / entry_name(self.name, VERSION)).is_dir()

    def prepare(self) -> None:
        """Fetch its jars, where that was not done.

        Raises:
            ConfigurationError: Maven or a new enough Java is missing.
            ResourceUnavailable: they could not be fetched.
        """
        _ = (self._java, self._jars)

    def start(self) -> None:
        """Start it on the data that it has.

        Raises:
            ConfigurationError: its port is taken, or a new enough Java is missing.
            GraphUnavailable: it ended or did not answer in time.
        """
        if self._process.running is None:
            require_free("Neo4j", self._port)
            self._configure()
        self._process.start(
            Launch(
                argv=self._argv(), ready=lambda: bolt_answers(self._port), timeout_s=_START_TIMEOUT_S, cwd=self._data
            )
        )

    def stop(self) -> None:
        """Write a checkpoint and end."""
        self._process.stop(_STOP_GRACE_S)

    def kill(self) -> None:
        """End it as a crash would; what was committed stays."""
        self._process.kill()

    def wipe(self) -> None:
        """End it and delete its data."""
        self.kill()
        remove(self._data)

    def status(self) -> list[ServerStatus]:
        """Its line."""
        return [status_of(self._process, self.address)]

    @cached_property
    def _java(self) -> Java:
        return find_java(MINIMUM_JAVA)

    @cached_property
    def _jars(self) -> Path:
        return jars(self._cache, self.name, VERSION)

    def _configure(self) -> None:
        for part in ("conf", "data", "logs", "plugins", "import", "run"):
            (self._data / part).mkdir(parents=True, exist_ok=True)
        settings = {
            **neo4j_config.SETTINGS,
            "server.default_listen_address": HOST,
            "server.default_advertised_address": HOST,
            "server.bolt.listen_address": f"{HOST}:{self._port}",
            "dbms.security.auth_enabled": "false",
        }
        (self._data / "conf" / "neo4j.conf").write_text(neo4j_config.text(settings))

    def _argv(self) -> list[str]:
        major = self._java.major
        class_path = ":".join(str(path) for path in sorted(self._jars.glob("*.jar")))
        return [
            str(self._java.command),
            "-Xms64m",
            f"-Xmx{neo4j_config.SETTINGS['server.memory.heap.max_size']}",
            "-XX:+UseSerialGC",
            *(["-XX:TieredStopAtLevel=1"] if self._profile == "dev" else []),
            "-XX:-UsePerfData",
            "-XX:+ExitOnOutOfMemoryError",
            "-XX:-OmitStackTraceInFastThrow",
            *(["-XX:+UseCompactObjectHeaders"] if major >= _COMPACT_HEADERS_SINCE else []),
            *(["--sun-misc-unsafe-memory-access=allow"] if major >= _UNSAFE_FLAG_SINCE else []),
            "-Djava.net.preferIPv4Stack=true",
            "-Dfile.encoding=UTF-8",
            "-Dlog4j2.disable.jmx=true",
            "-Dio.netty.tryReflectionSetAccessible=true",
            "--add-opens=java.base/java.nio=ALL-UNNAMED",
            "--add-opens=java.base/java.io=ALL-UNNAMED",
            "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            class_path,
            "org.neo4j.server.Neo4jCommunity",
            f"--home-dir={self._data}",
            f"--config-dir={self._data / 'conf'}",
        ]
