"""Dead letters: a record that could not be processed, kept byte for byte.

Header names are those of Spring for Apache Kafka (`KafkaHeaders`), so that existing tools read them; numbers are
written as decimal text, since not every client reads binary headers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .cloudevents import Header
from .errors import ErrorInfo

_PREFIX = "kafka_dlt-"
ORIGINAL_TOPIC = _PREFIX + "original-topic"
ORIGINAL_PARTITION = _PREFIX + "original-partition"
ORIGINAL_OFFSET = _PREFIX + "original-offset"
ORIGINAL_TIMESTAMP = _PREFIX + "original-timestamp"
ORIGINAL_GROUP = _PREFIX + "original-consumer-group"
EXCEPTION_FQCN = _PREFIX + "exception-fqcn"
EXCEPTION_MESSAGE = _PREFIX + "exception-message"
ERROR_CODE = "medkg-error-code"


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
        return [
            *original.headers,
            (ORIGINAL_TOPIC, original.topic.encode()),
            (ORIGINAL_PARTITION, b"%d" % original.partition),
            (ORIGINAL_OFFSET, b"%d" % original.offset),
            (ORIGINAL_TIMESTAMP, b"%d" % original.timestamp),
            (ORIGINAL_GROUP, self.group.encode()),
            (EXCEPTION_FQCN, self.error_class.encode()),
            (EXCEPTION_MESSAGE, self.error.message.encode()),
            (ERROR_CODE, self.error.code.encode()),
        ]


def reason_headers(headers: Sequence[Header]) -> dict[str, str]:
    """The reason's headers of a dead letter, by name; the last of a name wins, since ours were added last."""
    return {
        name: value.decode(errors="replace")
        for name, value in headers
        if value is not None and (name.startswith(_PREFIX) or name == ERROR_CODE)
    }
