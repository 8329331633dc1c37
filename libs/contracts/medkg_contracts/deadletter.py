"""Dead letters: a record that could not be processed, kept byte for byte.

Header names are those of Spring for Apache Kafka (`KafkaHeaders`), so that existing tools read them; numbers are
written as decimal text, since not every client reads binary headers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .cloudevents import Header
from .errors import ErrorInfo, PoisonRecord

_PREFIX = "kafka_dlt-"
ORIGINAL_TOPIC = _PREFIX + "original-topic"
ORIGINAL_PARTITION = _PREFIX + "original-partition"
ORIGINAL_OFFSET = _PREFIX + "original-offset"
ORIGINAL_TIMESTAMP = _PREFIX + "original-timestamp"
ORIGINAL_GROUP = _PREFIX + "original-consumer-group"
EXCEPTION_FQCN = _PREFIX + "exception-fqcn"
EXCEPTION_MESSAGE = _PREFIX + "exception-message"
ERROR_CODE = "medkg-error-code"

_REASON = (
    ORIGINAL_TOPIC,
    ORIGINAL_PARTITION,
    ORIGINAL_OFFSET,
    ORIGINAL_TIMESTAMP,
    ORIGINAL_GROUP,
    EXCEPTION_FQCN,
    EXCEPTION_MESSAGE,
    ERROR_CODE,
)


@dataclass(frozen=True, slots=True)
class Record:
    """A Kafka record as it was read.

    Attributes:
        timestamp: milliseconds since 1970-01-01 UTC.
        headers: in their order, null values included.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record on a DLQ: the original and why it is there."""

    original: Record
    group: str
    error_class: str
    error: ErrorInfo

    def headers(self) -> list[Header]:
        """The headers to write: the original's, then the reason's; key and value are the original's own."""
        original = self.original
        reason = (
            original.topic,
            str(original.partition),
            str(original.offset),
            str(original.timestamp),
            self.group,
            self.error_class,
            self.error.message,
            self.error.code,
        )
        return [
            *original.headers,
            # a message may quote text that UTF-8 cannot hold; that must not keep a record out of the DLQ
            *((name, text.encode(errors="backslashreplace")) for name, text in zip(_REASON, reason, strict=True)),
        ]


def reason_headers(headers: Sequence[Header]) -> dict[str, str]:
    """The reason's headers of a dead letter, by name.

    Raises:
        PoisonRecord: the headers are not those of a dead letter.
    """
    start = _reason_start(headers)
    return {name: (value or b"").decode(errors="replace") for name, value in headers[start : start + len(_REASON)]}


def original_headers(headers: Sequence[Header]) -> list[Header]:
    """The headers that the record had before it became a dead letter, in their order.

    Raises:
        PoisonRecord: the headers are not those of a dead letter.
    """
    return list(headers[: _reason_start(headers)])


def _reason_start(headers: Sequence[Header]) -> int:
    """Where the reason starts: at the last place that has its names, for the original may be a dead letter itself."""
    names = tuple(name for name, _ in headers)
    for start in range(len(names) - len(_REASON), -1, -1):
        if names[start : start + len(_REASON)] == _REASON:
            return start
    raise PoisonRecord("the record is no dead letter: it lacks the headers that say why it is there")
