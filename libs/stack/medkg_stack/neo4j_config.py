"""Neo4j's configuration, as text and as what its image takes. Pure."""

from collections.abc import Mapping
from typing import Final

#: What holds wherever we run it: Bolt alone, nothing sent to its maker, small, and quick to end.
SETTINGS: Final[Mapping[str, str]] = {
    "server.http.enabled": "false",
    "server.https.enabled": "false",
    "dbms.usage_report.enabled": "false",
    # It would tell every network that this machine is on that it is there.
    "server.fleet_discovery.enabled": "false",
    # Reading is what everybody may do who asks: no statement of theirs opens a file of the server or an address.
    "dbms.security.allow_csv_import_from_file_urls": "false",
    "internal.dbms.cypher_ip_blocklist": "0.0.0.0/0,::/0",
    # A statement that runs for longer is a mistake, and keeps its locks for as long.
    "db.transaction.timeout": "5m",
    "server.memory.heap.max_size": "512m",
    "server.memory.pagecache.size": "128m",
    "server.bolt.thread_pool_min_size": "2",
    # Logs of transactions are preallocated at 256 MiB otherwise, for each of the two databases.
    "db.tx_log.rotation.size": "16m",
    "db.tx_log.preallocate": "false",
    # When its connections are closed it waits two times 5 s for further ones otherwise.
    "internal.dbms.bolt.netty_server_shutdown_quiet_period_duration": "0s",
}


def text(settings: Mapping[str, str]) -> str:
    """The settings as ``neo4j.conf`` has them."""
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings as variables of Neo4j's image: ``a.b_c`` is ``NEO4J_a_b__c``."""
    return {f"NEO4J_{name.replace('_', '__').replace('.', '_')}": value for name, value in settings.items()}
