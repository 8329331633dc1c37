"""What jars say of their licence."""

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

from medkg_contracts.errors import ConfigurationError
from medkg_stack import Cache, neo4j, opensearch
from medkg_stack import kafka_distribution as kafka
from medkg_stack.account import cache_folder
from medkg_stack.maven import entry_name

from .component import Component, Scope
from .expression import named

_NAME = re.compile(r"(?P<name>.+?)-(?P<version>\d[\w.-]*)\.jar")
_POM = re.compile(r"META-INF/maven/[^/]+/(?P<artifact>[^/]+)/pom\.xml")
_LICENCE_FILE = re.compile(r"(META-INF/)?LICENSE(\.txt|\.md)?")
#: What a licence file begins with; of the GPL's text alone no later version follows.
_TEXTS = {
    "Apache License Version 2.0": "Apache-2.0",
    "GNU GENERAL PUBLIC LICENSE Version 3, 29 June 2007": "GPL-3.0-only",
}
#: A jar of OpenSearch's own that bears no version.
_UNVERSIONED = "opensearch-agent.jar"

#: An SPDX expression for a package's name, where its metadata has none; read by a person.
StatedFor = Callable[[str], str | None]


def entries() -> dict[str, str]:
    """The servers that are made of jars, and the cache entries that hold them: another one for another version."""
    return {
        "kafka": entry_name("kafka", kafka.VERSION),
        "opensearch": entry_name("opensearch", opensearch.VERSION),
        "neo4j": entry_name("neo4j", neo4j.VERSION),
    }


def folders() -> list[tuple[Path, Scope]]:
    """The folders with the jars; Neo4j is a program of its own, which nothing of ours is made from.

    Raises:
        ConfigurationError: they were not fetched yet.
    """
    root = Cache.default().root
    names = entries()
    found: list[tuple[Path, Scope]] = [
        (root / names["kafka"], "runtime"),
        (cache_folder(root) / names["opensearch"], "runtime"),
        (root / names["neo4j"], "separate"),
    ]
    for folder, _ in found:
        if not folder.is_dir():
            raise ConfigurationError(f"the jars of {folder.name} were not fetched", remedy="Run `make stack`.")
    return found


def components(folder: Path, names: Mapping[str, str], stated_for: StatedFor, scope: Scope) -> Iterator[Component]:
    """Every jar below the folder."""
    for path in sorted(folder.rglob("*.jar")):
        yield component(path, names, stated_for, scope)


def component(path: Path, names: Mapping[str, str], stated_for: StatedFor, scope: Scope = "runtime") -> Component:
    """One jar; its licence is what a person read, else what its pom, its manifest or its licence file says."""
    match = _NAME.fullmatch(path.name)
    name = match["name"] if match else path.stem
    version = match["version"] if match else (opensearch.VERSION if path.name == _UNVERSIONED else "")
    with zipfile.ZipFile(path) as jar:
        found = stated_for(name) or _pom(jar, name, names) or _manifest(jar, names) or _text(jar)
        says = found or f"pom {_pom_names(jar, name)}, manifest {_bundle(jar)}"
    return Component("jar", name, version, scope, says)


def _pom(jar: zipfile.ZipFile, name: str, names: Mapping[str, str]) -> str | None:
    """Maven means a choice where a pom names several."""
    meant = [named(text, names) for text in _pom_names(jar, name)]
    return " OR ".join(filter(None, meant)) if meant and all(meant) else None


def _pom_names(jar: zipfile.ZipFile, name: str) -> list[str]:
    for entry in jar.namelist():
        match = _POM.fullmatch(entry)
        # A jar may contain others, with their poms.
        if match and match["artifact"] == name:
            root = ET.fromstring(jar.read(entry))  # noqa: S314 - from the jar that we run
            return [found.findtext("{*}name", "") for found in root.iterfind("{*}licenses/{*}license")]
    return []


def _manifest(jar: zipfile.ZipFile, names: Mapping[str, str]) -> str | None:
    bundle = _bundle(jar)
    return named(bundle, names) if bundle else None


def _bundle(jar: zipfile.ZipFile) -> str | None:
    if "META-INF/MANIFEST.MF" not in jar.namelist():
        return None
    lines = jar.read("META-INF/MANIFEST.MF").decode().replace("\r\n", "\n").replace("\n ", "")
    found = re.search(r"^Bundle-License: *\"?([^\";\n]*)", lines, re.MULTILINE)
    return found[1].strip() if found else None


def _text(jar: zipfile.ZipFile) -> str | None:
    for entry in filter(_LICENCE_FILE.fullmatch, jar.namelist()):
        beginning = " ".join(jar.read(entry).decode(errors="replace")[:400].split())
        if said := next((licence for text, licence in _TEXTS.items() if text in beginning), None):
            return said
    return None
