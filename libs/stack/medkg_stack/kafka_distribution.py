"""Kafka's jars and the class-data archive that makes its JVM start in a second and a half."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from .cache import Cache
from .java import Java, find_java
from .maven import entry_name, jars

VERSION = "4.3.1"
MINIMUM_JAVA = 17

_ARCHIVE = "classes.jsa"
_COMMON_FLAGS = (
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.net.preferIPv4Stack=true",
)

Train = Callable[[list[str]], None]


class KafkaDistribution:
    """What every node of every cluster on this machine runs from."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    @cached_property
    def java(self) -> Java:
        """The Java that runs it.

        Raises:
            ConfigurationError: none is new enough.
        """
        return find_java(MINIMUM_JAVA)

    @cached_property
    def jars(self) -> Path:
        """The folder of its jars, fetched if need be."""
        return jars(self._cache, "kafka", VERSION)

    def prepare(self, train: Train) -> None:
        """Have the jars and the archive; ``train`` gets JVM flags and runs a node once, from start to clean stop."""

        def build(folder: Path) -> None:
            built = folder / _ARCHIVE
            with tempfile.TemporaryDirectory(prefix="medkg-kafka-") as scratch:
                # The JVM writes the archive as it exits: beside the scratch cluster first, then into the cache.
                archive = Path(scratch, _ARCHIVE)
                train([*self._base_flags(), f"-XX:ArchiveClassesAtExit={archive}"])
                shutil.copyfile(archive, built)

        self._cache.entry(self._archive_entry(), build)

    @property
    def prepared(self) -> bool:
        """Whether nothing has to be fetched or trained any more."""
        jars_there = (self._cache.root / entry_name("kafka", VERSION)).is_dir()
        return jars_there and self._archive().is_file()

    def flags(self, heap: str, *, optimised: bool) -> list[str]:
        """The JVM's flags; ``optimised`` compiles hot code fully, which pays in runs of minutes only."""
        flags = [f"-Xmx{heap}", *self._base_flags(), f"-XX:SharedArchiveFile={self._archive()}"]
        return flags if optimised else ["-Xms64m", "-XX:TieredStopAtLevel=1", *flags]

    def argv(self, flags: list[str], main: str, *arguments: str) -> list[str]:
        """The command that runs a main class of Kafka."""
        # The archive is good for exactly one class path, so its order must not depend on the file system.
        class_path = ":".join(str(path) for path in sorted(self.jars.glob("*.jar")))
        return [str(self.java.command), *flags, "-cp", class_path, main, *arguments]

    def _base_flags(self) -> list[str]:
        logging = files("medkg_stack").joinpath("conf", "kafka-log4j2.properties")
        return [*_COMMON_FLAGS, f"-Dlog4j2.configurationFile={logging}"]

    def _archive(self) -> Path:
        return self._cache.root / self._archive_entry() / _ARCHIVE

    def _archive_entry(self) -> str:
        """Named by all that the archive depends on: the jars, where they are, and the JVM."""
        key = f"{entry_name('kafka', VERSION)} {self._cache.root} {self.java.command} {self.java.version}"
        return f"kafka-{VERSION}-cds-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
