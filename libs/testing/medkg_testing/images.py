"""Which image a server is started from. Pure."""

from collections.abc import Collection, Mapping
from typing import Final

#: The variables are those of the compose file.
VARIABLES: Final = {
    "kafka": "MK_KAFKA_IMAGE",
    "redis": "MK_REDIS_IMAGE",
    "opensearch": "MK_OPENSEARCH_IMAGE",
    "neo4j": "MK_NEO4J_IMAGE",
}

PUBLIC: Final = {
    "kafka": "apache/kafka:4.3.1",
    "redis": "redis:7.2-bookworm",
    "opensearch": "opensearchproject/opensearch:3.6.0",
    "neo4j": "neo4j:2026.08.1-community",
}

#: What `make images` builds for places that reach no image registry.
LOCAL: Final = {
    "kafka": "medkg/kafka:4.3.1",
    "redis": "medkg/redis:7.0.15",
    "opensearch": "medkg/opensearch:3.6.0",
    "neo4j": "medkg/neo4j:2026.08.1",
}


def choose_images(environment: Mapping[str, str], there: Collection[str]) -> dict[str, str]:
    """The image of each server: the one that its variable names, else the locally built one, else the public one.

    Args:
        environment: with the variables, or without.
        there: the names of the images that the engine has.
    """
    return {
        server: environment.get(variable) or (LOCAL[server] if LOCAL[server] in there else PUBLIC[server])
        for server, variable in VARIABLES.items()
    }
