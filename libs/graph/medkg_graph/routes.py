"""Where the search service answers questions about the graph."""

from typing import Annotated, Final

from medkg_contracts.model import Contract
from pydantic import Field, JsonValue

ENTITIES: Final = "/v1/graph/entities"
PATHS: Final = "/v1/graph/paths"
EVIDENCE: Final = "/v1/graph/evidence"
TRIALS: Final = "/v1/graph/trials"
CYPHER: Final = "/v1/graph/cypher"
#: Entities, statements, ways or trials that an answer has at most; and how many may be left out before them.
MOST: Final = 500
MOST_SKIPPED: Final = 100_000


class CypherRequest(Contract):
    """Somebody's own Cypher.

    Attributes:
        statement: one that reads.
        parameters: its own, by their names without ``$``.
        limit: rows that are read at most.
    """

    statement: Annotated[str, Field(min_length=1, max_length=20_000)]
    parameters: dict[str, JsonValue] = {}
    limit: Annotated[int, Field(ge=1, le=10_000)] = 100
