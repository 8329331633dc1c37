"""Fills the build contexts of the servers that are made of jars: ``servers.py FOLDER`` makes ``FOLDER/kafka``, etc.

Their files come from the code and the cache of the servers that run as processes; what is missing is fetched first.
"""

import shutil
import sys
from importlib.resources import files
from pathlib import Path

from medkg_contracts.errors import MedkgError
from medkg_stack import Cache, Stack, kafka_distribution, neo4j, opensearch
from medkg_stack.account import cache_folder
from medkg_stack.maven import entry_name

_HERE = Path(__file__).parent


def fill(folder: Path) -> None:
    """Make the contexts anew; files keep their times, so that an unchanged one is not sent to the engine again.

    Raises:
        MedkgError: the servers' files could not be fetched.
    """
    stack = Stack(folder / "stack")
    for server in (stack.kafka, stack.opensearch, stack.neo4j):
        if not server.prepared:
            server.prepare()
    cache = Cache.default().root
    home = f"opensearch-{opensearch.VERSION}"
    distribution = cache_folder(cache) / entry_name("opensearch", opensearch.VERSION) / home
    _context(folder / "kafka", "jars", cache / entry_name("kafka", kafka_distribution.VERSION))
    _context(folder / "neo4j", "jars", cache / entry_name("neo4j", neo4j.VERSION))
    _context(folder / "opensearch", "distribution", distribution)


def _context(folder: Path, name: str, content: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(_HERE / folder.name, folder)
    shutil.copytree(content, folder / name)
    logging = files("medkg_stack").joinpath("conf", f"{folder.name}-log4j2.properties")
    if logging.is_file():
        (folder / "log4j2.properties").write_text(logging.read_text())


if __name__ == "__main__":
    try:
        fill(Path(sys.argv[1]))
    except MedkgError as error:
        sys.exit(f"{error}\n{error.info.remedy}")
