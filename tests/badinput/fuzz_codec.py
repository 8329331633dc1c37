"""Looks for a record that the codec neither reads nor refuses, led by the code that it runs through (atheris).

uv run python -m tests.badinput.fuzz_codec -runs=1000000 [CORPUS]

It ends with a stack trace and the record's bytes in a file ``crash-...`` when it finds one. The options are
libFuzzer's. What it has learnt stays in the corpus folder, ``.medkg/fuzz-codec`` unless another is named.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import atheris  # type: ignore[import-untyped]  # it has none
import orjson

with atheris.instrument_imports(include=["medkg_contracts"]):
    from medkg_contracts.cloudevents import CloudEvent, from_record, to_headers
    from medkg_contracts.deadletter import DeadLetter, Record, read_letter
    from medkg_contracts.errors import PoisonRecord
    from medkg_contracts.events import as_json, data_model
    from medkg_contracts.kinds import kind_of

from pydantic import ValidationError

from .seeds import TOPICS, seeds

DEFAULT_CORPUS: Final = ".medkg/fuzz-codec"

#: Between a record's value and its headers, and between a header's name and value; a header without is null.
_PART: Final = b"\x1e"
_VALUE: Final = b"\x1f"

Headers = Sequence[tuple[str, bytes | None]]


def unpack(data: bytes) -> tuple[Headers, bytes | None]:
    """The record that the fuzzer's bytes stand for."""
    value, *parts = data.split(_PART)
    headers = []
    for part in parts:
        name, mark, text = part.partition(_VALUE)
        headers.append((name.decode(errors="replace"), text if mark else None))
    return headers, value or None


def pack(headers: Headers, value: bytes | None) -> bytes:
    """The bytes that stand for a record."""
    parts = (name.encode() + (b"" if text is None else _VALUE + text) for name, text in headers)
    return _PART.join([value or b"", *parts])


def check(data: bytes) -> None:
    """Read the record as an event and as a dead letter.

    Raises:
        Exception: anything but a refusal: a bug.
        AssertionError: an event that was read is not what is written and read again.
    """
    headers, value = unpack(data)
    try:
        event = from_record(headers, value)
    except PoisonRecord:
        pass
    else:
        _check_event(event)
    with suppress(PoisonRecord):
        read_letter(Record("router.dlq.v1", 0, 0, 0, None, value, headers))


def _check_event(event: CloudEvent) -> None:
    if from_record(to_headers(event), event.data) != event:
        raise AssertionError(f"{event} is written as another event")
    as_json(event)
    kind = kind_of(event)
    model = None if kind is None else data_model(kind)
    if model is not None:
        with suppress(ValidationError):
            model.validate_json(event.data or b"")


def _examples() -> Iterator[bytes]:
    """Every example of the documents, in binary and in structured mode, and one as a dead letter."""
    for topic in TOPICS:
        for raw in seeds(topic):
            yield pack(raw.headers, raw.value)
            structured = orjson.dumps(as_json(from_record(raw.headers, raw.value)))
            yield pack([("content-type", b"application/cloudevents+json")], structured)
    letter = DeadLetter(raw.record(), "medkg.router", "PoisonRecord", PoisonRecord("it is an example").info)
    yield pack(letter.headers(), raw.value)


def main(arguments: Sequence[str]) -> None:
    """Fuzz the codec; the arguments are libFuzzer's options and at most one corpus folder."""
    folders = [argument for argument in arguments if not argument.startswith("-")]
    corpus = Path(folders[0] if folders else DEFAULT_CORPUS)
    corpus.mkdir(parents=True, exist_ok=True)
    for number, example in enumerate(_examples()):
        (corpus / f"example-{number}").write_bytes(example)
    options = [argument for argument in arguments if argument.startswith("-")]
    atheris.Setup([sys.argv[0], *options, str(corpus)], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
