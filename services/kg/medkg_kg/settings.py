"""The KG stage's settings."""

from typing import Annotated

from medkg_graph.settings import GraphSettings
from pydantic import Field


class KGSettings(GraphSettings):
    """How facts are written.

    Attributes:
        timeout_s: that a transaction may take with all its tries, as after a deadlock; Neo4j ends what takes longer.
        batch_claims: documents are written together, in one transaction, up to so many claims.
    """

    timeout_s: Annotated[float, Field(gt=0, le=300, validation_alias="MK_KG_TIMEOUT_S")] = 20.0
    batch_claims: Annotated[int, Field(ge=1, le=100_000, validation_alias="MK_KG_BATCH_CLAIMS")] = 5_000
