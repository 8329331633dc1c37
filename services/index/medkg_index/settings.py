"""The index stage's settings."""

from typing import Annotated, Literal

from medkg_search.settings import SearchSettings
from pydantic import Field


class IndexSettings(SearchSettings):
    """How chunks are written.

    Attributes:
        shards: of an index that is made; an existing one keeps its own.
        replicas: of an index that is made.
        refresh: whether a write waits until searches see it: ``false`` leaves that to OpenSearch's own second,
            ``wait_for`` waits for it, ``true`` forces it at once. With dense vectors ``false`` is like ``true``.
        timeout_s: seconds that one request may take.
    """

    shards: Annotated[int, Field(ge=1, le=1024, validation_alias="MK_INDEX_SHARDS")] = 1
    replicas: Annotated[int, Field(ge=0, le=10, validation_alias="MK_INDEX_REPLICAS")] = 0
    refresh: Annotated[Literal["false", "wait_for", "true"], Field(validation_alias="MK_INDEX_REFRESH")] = "false"
    timeout_s: Annotated[float, Field(gt=0, le=300, validation_alias="MK_INDEX_TIMEOUT_S")] = 20.0
