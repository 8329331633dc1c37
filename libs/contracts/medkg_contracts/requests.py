"""Job requests: what a user asks for."""

from typing import Annotated, Literal, Self

import orjson
from pydantic import Field, StringConstraints, ValidationError, model_validator

from .artifacts import ArtifactRef
from .cloudevents import CloudEvent, without_bom
from .errors import InvalidRequest, PoisonRecord
from .model import Contract, Identifier, Name, first_violation

#: A tenant that a request does not name.
DEFAULT_TENANT = "public"


Priority = Literal["high", "normal", "low"]

#: A record's id at its source. It becomes part of an event's subject, which has no control characters.
ItemId = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]

#: ``<source>:<id>`` of an item.
DocId = Annotated[str, StringConstraints(min_length=3, max_length=320, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]


class JobRequest(Contract):
    """The data of `job.requested`: one item, or a batch given as a list or a query.

    Attributes:
        source: where the items come from, such as ``ctgov``.
        id: one item. Exactly one of `id`, `ids` and `query` is given.
        ids: a list of items: a batch.
        query: the source's own query parameters: a batch of all that it finds.
        limit: for a query, at most so many items.
        topology: its name; None lets the router choose by `source`.
        until: stop after this stage (and what it needs).
        skip_completed: do not run a stage again whose inputs, version and settings it has already seen.
        priority: which of a tenant's own jobs go first; between tenants it changes nothing.
        batch_id: set on the jobs that a batch expanded to.
        payload: the item's record, which whoever asks has put into the artifact store; then no source is asked for it.
        metadata: free text values that travel with the job to its stages.
    """

    source: Name
    id: ItemId | None = None
    ids: Annotated[list[ItemId], Field(min_length=1, max_length=100_000)] | None = None
    query: Annotated[dict[str, str], Field(min_length=1, max_length=32)] | None = None
    limit: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    topology: Name | None = None
    until: Name | None = None
    skip_completed: bool = False
    priority: Priority = "normal"
    batch_id: Identifier | None = None
    payload: Annotated[ArtifactRef | None, Field(exclude_if=lambda value: value is None)] = None
    metadata: Annotated[dict[str, Annotated[str, Field(max_length=1024)]], Field(max_length=32)] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.id is not None) + (self.ids is not None) + (self.query is not None) != 1:
            given = [name for name in ("id", "ids", "query") if getattr(self, name) is not None]
            raise ValueError(f"give exactly one of id, ids and query, not {', '.join(given) or 'none'}")
        if self.limit is not None and self.query is None:
            raise ValueError("limit belongs to a query")
        if self.payload is not None and (self.id is None or self.payload.uri is None):
            raise ValueError("a payload is the record of one id, and stands in the artifact store")
        return self

    @property
    def canonical(self) -> bytes:
        """The request as JSON, without what has its default value: the bytes that are kept of a long one."""
        return self.model_dump_json(exclude_defaults=True).encode()

    @property
    def is_batch(self) -> bool:
        """Whether this expands to several jobs."""
        return self.id is None

    def item(self, item: str, batch_id: str) -> Self:
        """The request for one item of this batch: all that was asked of the batch holds for each of its items.

        Raises:
            ValidationError: no item can have this id.
        """
        asked = self.model_dump(exclude={"ids", "query", "limit"})
        return self.model_validate({**asked, "id": item, "batch_id": batch_id})

    @property
    def doc_id(self) -> str:
        """``<source>:<id>`` of the item; for a batch ``<source>:*``."""
        return f"{self.source}:{self.id or '*'}"


def read_request(event: CloudEvent) -> JobRequest:
    """The data of a `job.requested` event.

    Raises:
        PoisonRecord: the data are not JSON.
        InvalidRequest: the data break the contract; the message names the field.
    """
    try:
        body = orjson.loads(without_bom(event.data or b""))
    except orjson.JSONDecodeError as error:
        raise PoisonRecord(f"the data of the job request are not JSON: {error}") from error
    try:
        return JobRequest.model_validate(body)
    except ValidationError as error:
        raise InvalidRequest(first_violation(error)) from error
