"""The codec and the CloudEvents SDK read each other's records."""

import json
from datetime import timedelta, timezone
from typing import Any

from cloudevents.core.bindings import kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent as SdkEvent
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.cloudevents import CloudEvent, from_record, to_headers

CORE = {"id", "source", "type", "specversion", "time", "subject", "datacontenttype", "dataschema", "data"}

texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)
names = st.from_regex(r"[a-z][a-z0-9]{0,19}", fullmatch=True).filter(lambda name: name not in CORE)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(timezones=offsets)
content_types = st.sampled_from(["application/json", "application/avro", "text/plain; charset=utf-8"])
json_objects = st.dictionaries(
    texts, st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
)
events = st.builds(
    CloudEvent,
    id=texts,
    source=texts,
    type=texts,
    time=times,
    subject=st.none() | texts,
    datacontenttype=st.none() | content_types,
    dataschema=st.none() | texts,
    extensions=st.dictionaries(names, texts, max_size=5),
    data=st.none() | st.binary(min_size=1),
)


@st.composite
def sdk_events(draw: st.DrawFn, data: st.SearchStrategy[Any]) -> SdkEvent:
    event = draw(events)
    attributes: dict[str, Any] = {
        **event.extensions,
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": event.time,
    }
    for name in ("subject", "dataschema", "datacontenttype"):
        if (value := getattr(event, name)) is not None:
            attributes[name] = value
    return SdkEvent(attributes, draw(data))


def attributes_of(event: CloudEvent) -> dict[str, Any]:
    core = {name: getattr(event, name) for name in CORE - {"data", "specversion"}}
    return {
        "specversion": "1.0",
        **event.extensions,
        **{name: value for name, value in core.items() if value is not None},
    }


@settings(max_examples=60)
@given(events)
def test_sdk_reads_the_attributes_that_we_write(event: CloudEvent) -> None:
    """The SDK finds every attribute of a record of ours, and no other."""
    message = kafka.KafkaMessage(headers=dict(to_headers(event)), key=None, value=event.data)  # type: ignore[arg-type]  # null is what the binding wants

    assert attributes_of(event) == kafka.from_kafka_event(message).get_attributes()


@settings(max_examples=60)
@given(events)
def test_sdk_reads_the_data_that_we_write(event: CloudEvent) -> None:
    """The SDK finds the data of a record of ours."""
    message = kafka.KafkaMessage(headers=dict(to_headers(event)), key=None, value=event.data)  # type: ignore[arg-type]  # null is what the binding wants
    expected = JSONFormat().read_data(event.data or b"", event.datacontenttype)

    assert expected == kafka.from_kafka_event(message).get_data()


@settings(max_examples=60)
@given(sdk_events(st.binary(min_size=1) | json_objects))
def test_we_read_binary_records_of_the_sdk(written: SdkEvent) -> None:
    """A record that the SDK wrote in binary mode has its attributes and its data."""
    message = kafka.to_binary_event(written)

    event = from_record(list(message.headers.items()), message.value)

    assert written.get_attributes() == attributes_of(event)
    assert message.value == event.data


@settings(max_examples=60)
@given(sdk_events(st.binary()))
def test_we_read_structured_records_of_the_sdk_with_bytes(written: SdkEvent) -> None:
    """A record that the SDK wrote in structured mode with binary data has its attributes and its data."""
    message = kafka.to_structured_event(written)

    event = from_record(list(message.headers.items()), message.value)

    assert written.get_attributes() == attributes_of(event)
    assert written.get_data() == event.data


@settings(max_examples=60)
@given(sdk_events(json_objects), st.none() | st.just("application/json"))
def test_we_read_structured_records_of_the_sdk_with_json(written: SdkEvent, content_type: str | None) -> None:
    """A record that the SDK wrote in structured mode with JSON data has its data as JSON, and says so."""
    attributes = written.get_attributes() | {"datacontenttype": content_type}
    if content_type is None:
        del attributes["datacontenttype"]
    message = kafka.to_structured_event(SdkEvent(attributes, written.get_data()))

    event = from_record(list(message.headers.items()), message.value)

    assert attributes | {"datacontenttype": "application/json"} == attributes_of(event)
    assert written.get_data() == json.loads(event.data or b"")


@settings(max_examples=60)
@given(events)
def test_what_is_written_is_read(event: CloudEvent) -> None:
    """An event survives writing and reading unchanged."""
    assert event == from_record(to_headers(event), event.data)
