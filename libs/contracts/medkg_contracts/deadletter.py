"""Dead letters: a record that could not be processed, kept byte for byte.

Header names are those of Spring for Apache Kafka (`KafkaHeaders`), so that existing tools read them; numbers are
written as decimal text, since not every client reads binary headers.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import orjson

from .cloudevents import Header
from .errors import ErrorInfo, PoisonRecord
from .records import Place, Record

_PREFIX = "kafka_dlt-"
ORIGINAL_TOPIC = _PREFIX + "original-topic"
ORIGINAL_PARTITION = _PREFIX + "original-partition"
ORIGINAL_OFFSET = _PREFIX + "original-offset"
ORIGINAL_TIMESTAMP = _PREFIX + "original-timestamp"
ORIGINAL_GROUP = _PREFIX + "original-consumer-group"
EXCEPTION_FQCN = _PREFIX + "exception-fqcn"
EXCEPTION_MESSAGE = _PREFIX + "exception-message"
ERROR_CODE = "medkg-error-code"

#: Header of a dead letter whose record is in the artifact store instead, since it is larger than a record may be.
STORED_RECORD: Final = "medkg-record"

#: Headers of a record that was given another try: the id of the last `record.redriven` event that says so, and how
#: often in all. They replace those of the try before, since a record has only so many headers.
REDRIVEN: Final = "medkg-redriven"
REDRIVES: Final = "medkg-redrives"

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


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter as it stands on a DLQ.

    Attributes:
        place: on the DLQ.
        timestamp: when it was put there, milliseconds since 1970-01-01 UTC.
        original: the record as it was where it could not be processed; without value and headers if it is `stored`.
        group: the consumer group that could not process it.
        error_class: the error's class.
        code: the error's code.
        message: what happened.
        stored: where the record is instead, ``artifact://...``; None when the letter has it.
    """

    place: Place
    timestamp: int
    original: Record
    group: str
    error_class: str
    code: str
    message: str
    stored: str | None

    def text(self, header: str) -> str | None:
        """The text of the original's last header of this name."""
        raw = dict(self.original.headers).get(header)
        return None if raw is None else raw.decode(errors="replace")

    def restored(self, body: bytes) -> "Letter":
        """The letter with the record that the artifact store has.

        Raises:
            PoisonRecord: the bytes are none of `pack_record`.
        """
        return replace(self, original=_unpack_record(self.original, body))


def read_letter(record: Record) -> Letter:
    """The dead letter that a record of a DLQ is.

    Raises:
        PoisonRecord: it is none.
    """
    reason = reason_headers(record.headers)
    numbers = [reason[name] for name in (ORIGINAL_PARTITION, ORIGINAL_OFFSET, ORIGINAL_TIMESTAMP)]
    try:
        partition, offset, timestamp = map(int, numbers)
    except ValueError as error:
        raise PoisonRecord(f"the place of the original record is no number: {numbers}") from error
    original = Record(
        reason[ORIGINAL_TOPIC], partition, offset, timestamp, record.key, record.value, original_headers(record.headers)
    )
    stored = dict(record.headers[_reason_start(record.headers) :]).get(STORED_RECORD)
    return Letter(
        place=record.place,
        timestamp=record.timestamp,
        original=original,
        group=reason[ORIGINAL_GROUP],
        error_class=reason[EXCEPTION_FQCN],
        code=reason[ERROR_CODE],
        message=reason[EXCEPTION_MESSAGE],
        stored=None if stored is None else stored.decode(errors="replace"),
    )


def pack_record(record: Record) -> bytes:
    """Key, value and headers as JSON, in base64, for a record that goes to the artifact store."""
    headers = [[name, _base64(raw)] for name, raw in record.headers]
    return orjson.dumps({"key": _base64(record.key), "value": _base64(record.value), "headers": headers})


def _unpack_record(original: Record, body: bytes) -> Record:
    try:
        packed = orjson.loads(body)
        headers = [(_name(name), _bytes(raw)) for name, raw in packed["headers"]]
        return replace(original, key=_bytes(packed["key"]), value=_bytes(packed["value"]), headers=headers)
    except (ValueError, LookupError, TypeError) as error:
        raise PoisonRecord(f"the stored record cannot be read: {error!r}") from error


def _base64(raw: bytes | None) -> str | None:
    return None if raw is None else b64encode(raw).decode()


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"{name!r} is no header's name")
    return name


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text, validate=True)


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
