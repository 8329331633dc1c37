"""Neo4j's settings are the same wherever it runs, and names are spelled as its image wants them."""

from pathlib import Path

import yaml
from medkg_stack import neo4j_config

COMPOSE = Path(__file__).parents[3] / "docker-compose.yml"
#: What the compose file lets somebody set.
VARIABLE = {"server.memory.heap.max_size": "MK_NEO4J_HEAP", "server.memory.pagecache.size": "MK_NEO4J_PAGE_CACHE"}


def test_the_compose_file_has_the_settings_of_the_process() -> None:
    """The container of the compose file is told what the process is told, memory by variables of that default."""
    told = yaml.safe_load(COMPOSE.read_text())["services"]["neo4j"]["environment"]
    settings = {
        name: f"${{{VARIABLE[name]}:-{value}}}" if name in VARIABLE else value
        for name, value in neo4j_config.SETTINGS.items()
    }
    expected = neo4j_config.environment(settings)

    assert expected == {name: str(value) for name, value in told.items() if name != "NEO4J_AUTH"}


def test_names_are_spelled_for_the_image() -> None:
    """An underscore of a setting is doubled before its dots become underscores."""
    assert {"NEO4J_db_tx__log_rotation_size": "16m"} == neo4j_config.environment({"db.tx_log.rotation.size": "16m"})


def test_a_file_has_a_line_for_each_setting() -> None:
    """The file is what Neo4j reads: a name, an equals sign and a value a line."""
    assert "a=1\nb.c=x\n" == neo4j_config.text({"a": "1", "b.c": "x"})
