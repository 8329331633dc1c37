"""The codec keeps to the Kafka binding and to the JSON event format, and refuses all else as poison."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from medkg_contracts.cloudevents import (
    MAX_ATTRIBUTE,
    MAX_ATTRIBUTES,
    MAX_VALUE_BYTES,
    CloudEvent,
    Header,
    from_record,
    to_headers,
)
from medkg_contracts.errors import PoisonRecord

EXAMPLES = json.loads((Path(__file__).parent / "data/cloudevents/json-format-examples.json").read_text())

LEAST: list[Header] = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"1234-1234-1234"),
    ("ce_source", b"/mycontext/subcontext"),
    ("ce_type", b"com.example.someevent"),
]
STRUCTURED: list[Header] = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
BODY = {"specversion": "1.0", "id": "1234", "source": "/mycontext", "type": "com.example.someevent"}


def structured(body: dict[str, Any], content_type: bytes = b"application/cloudevents+json") -> CloudEvent:
    return from_record([("content-type", content_type)], json.dumps(body).encode())


def time_of(text: str) -> datetime | None:
    return from_record([*LEAST, ("ce_time", text.encode())], None).time


# The Kafka protocol binding


def test_example_of_the_binding_is_read() -> None:
    """Section 3.2.5: the record has the event's attributes, and its value is the data."""
    headers = [*LEAST, ("ce_time", b"2018-04-05T03:56:24Z"), ("content-type", b"application/avro")]

    assert CloudEvent(
        id="1234-1234-1234",
        source="/mycontext/subcontext",
        type="com.example.someevent",
        time=datetime(2018, 4, 5, 3, 56, 24, tzinfo=UTC),
        datacontenttype="application/avro",
        data=b"\x06avro",
    ) == from_record(headers, b"\x06avro")


def test_headers_have_the_names_of_the_binding() -> None:
    """Sections 3.2.1 and 3.2.3: the content type has its own header, all else is prefixed."""
    event = CloudEvent(
        id="1", source="/s", type="t", time=datetime(2018, 4, 5, 3, 56, 24, tzinfo=UTC), subject="é %20",
        datacontenttype="application/json", dataschema="urn:x", extensions={"jobid": "j"},
    )  # fmt: skip

    assert to_headers(event) == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"1"),
        ("ce_source", b"/s"),
        ("ce_type", b"t"),
        ("content-type", b"application/json"),
        ("ce_time", b"2018-04-05T03:56:24Z"),
        ("ce_subject", "é %20".encode()),
        ("ce_dataschema", b"urn:x"),
        ("ce_jobid", b"j"),
    ]


def test_nothing_is_percent_decoded() -> None:
    """Section 3.2.3: values are UTF-8 strings as they stand."""
    event = from_record([*LEAST, ("ce_subject", "%C3%A9 é".encode())], None)

    assert event.subject == "%C3%A9 é"


def test_no_value_is_no_data() -> None:
    """Section 3.2.2: an event without data is a record without value."""
    assert from_record(LEAST, None).data is None


def test_empty_value_is_empty_data() -> None:
    """An empty value is data of no bytes, not the absence of data."""
    assert from_record(LEAST, b"") == CloudEvent(
        "1234-1234-1234", "/mycontext/subcontext", "com.example.someevent", data=b""
    )


def test_content_type_decides_for_structured_mode() -> None:
    """Section 3: with a CloudEvents content type the value is the event, whatever the headers say."""
    headers = [*LEAST, ("content-type", b"Application/CloudEvents+JSON")]

    assert from_record(headers, json.dumps(BODY).encode()).id == "1234"


def test_content_type_decides_for_binary_mode() -> None:
    """Section 3: without a CloudEvents content type the headers are the event, whatever the value looks like."""
    event = from_record([*LEAST, ("content-type", b"application/json")], json.dumps(BODY).encode())

    assert event.id == "1234-1234-1234"


def test_datacontenttype_has_no_header_of_its_own() -> None:
    """Section 3.2.1: only `content-type` says what the data are."""
    assert from_record([*LEAST, ("ce_datacontenttype", b"text/plain")], b"x").datacontenttype is None


def test_header_names_are_read_in_any_case() -> None:
    """A client that writes header names in capitals is understood."""
    assert from_record([(name.upper(), value) for name, value in LEAST], None) == from_record(LEAST, None)


@pytest.mark.parametrize(
    "foreign",
    [
        [("baggage", b"a=b"), ("baggage", b"c=d")],
        [("__value_schema_id", b"\x01\xa1\xb2\xc3\xff\x00")],
        [("traceparent", None)],
        [("", b"x"), ("", None)],
        [(r"\xff\xfe", b"\xff")],
        [("ce", b"\xff"), ("ce-id", b"\xff"), ("content_type", None), ("contentType", b"\xff")],
        [(f"x{number}", b"\xff") for number in range(200)],
        [("CE_ID", b"another"), ("Ce_Subject", None)],
    ],
)
def test_other_headers_add_no_attribute(foreign: list[Header]) -> None:
    """Whatever bytes, nulls, names and numbers of headers other tools add, the event is read as it is without them."""
    assert from_record([*LEAST, *foreign], None) == from_record(LEAST, None)


@given(st.text(max_size=12), st.none() | st.binary(max_size=12))
def test_a_header_of_another_name_changes_nothing(name: str, value: bytes | None) -> None:
    """A header that is neither an attribute's nor the content type's is ignored."""
    assume(not name.lower().startswith("ce_") and name.lower() != "content-type")

    assert from_record([(name, value), *LEAST, (name, None)], None) == from_record(LEAST, None)


@pytest.mark.parametrize("name", ["ce_subject", "ce_mine", "content-type", "ce_id"])
def test_null_header_says_nothing(name: str) -> None:
    """Section 3.2 has no null, so it is read as the JSON format reads it: the attribute is not set there."""
    assert from_record([*LEAST, (name, None)], None) == from_record(LEAST, None)


# Time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018-04-05T17:31:00Z", datetime(2018, 4, 5, 17, 31, tzinfo=UTC)),
        ("2018-04-05t17:31:00z", datetime(2018, 4, 5, 17, 31, tzinfo=UTC)),
        ("2018-04-05T17:31:00-00:00", datetime(2018, 4, 5, 17, 31, tzinfo=UTC)),
        ("2018-04-05T17:31:00.5Z", datetime(2018, 4, 5, 17, 31, 0, 500_000, UTC)),
        ("2018-04-05T17:31:00.123456789Z", datetime(2018, 4, 5, 17, 31, 0, 123_456, UTC)),
        ("2018-04-05T17:31:00+05:30", datetime(2018, 4, 5, 17, 31, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
        ("1998-12-31T23:59:60Z", datetime(1999, 1, 1, tzinfo=UTC)),
    ],
)
def test_forms_of_time_are_read(text: str, expected: datetime) -> None:
    """Every form of RFC 3339 is read: offsets, fractions of any length, either case, leap seconds."""
    assert expected == time_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "2018-04-05T17:31:00", "2018-04-05", "20180405T173100Z", "2018-W14-4T17:31:00Z", "2018-04-05 17:31:00Z",
        "2018-04-05T17:31Z", "2018-04-05T24:00:00Z", "2018-02-30T00:00:00Z", "2018-04-05T17:31:00.Z", "now", "",
        "2018-04-05T17:31:00+05:30:15", "\uff12018-04-05T17:31:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:60Z",
        "2018-04-05T17:31:00+99:00",
    ],
)  # fmt: skip
def test_other_forms_of_time_are_poison(text: str) -> None:
    """What is no RFC 3339 timestamp with an offset is refused, though Python could read some of it."""
    with pytest.raises(PoisonRecord, match="time"):
        time_of(text)


# The JSON event format


@pytest.mark.parametrize(
    ("example", "content_type", "data"),
    [
        (0, "application/vnd.apache.thrift.binary", b"\x00\x01\x02\xff"),
        (1, "application/xml", b'<much wow="xml"/>'),
        (2, "application/json", b'{"appinfoA":"abc","appinfoB":123,"appinfoC":true}'),
        (3, "application/json", b"1.5"),
        (4, "application/json", b'"I\'m just a string"'),
        (5, None, b'{ "xyz": 123 }'),
    ],
)
def test_examples_of_the_json_format_have_their_data(example: int, content_type: str | None, data: bytes) -> None:
    """Section 3.2: each example re-encoded in binary mode has the content type and data that the text gives."""
    event = structured(EXAMPLES[example])

    assert (content_type, data) == (event.datacontenttype, event.data)


def test_attributes_of_the_json_format_are_text() -> None:
    """Section 3.2: an extension of any type becomes text, a null one is not there."""
    event = structured(EXAMPLES[1])

    assert event.extensions == {"comexampleextension1": "value", "comexampleothervalue": "5"}


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (False, "false"), (-2147483648, "-2147483648"), ("", "")])
def test_attribute_values_have_their_canonical_text(value: object, text: str) -> None:
    """Booleans and integers are written as the type system says."""
    assert structured(BODY | {"x": value}).extensions == {"x": text}


@pytest.mark.parametrize("value", [1.5, 1.0, 2147483648, [], {}])
def test_attribute_values_of_other_types_are_poison(value: object) -> None:
    """An attribute is text, a 32-bit integer or a boolean."""
    with pytest.raises(PoisonRecord, match="'x'"):
        structured(BODY | {"x": value})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100)
@given(json_values)
def test_data_of_any_json_type_are_kept(data: object) -> None:
    """JSON data of a structured event are the same JSON, to the last digit."""
    assert data == json.loads(structured(BODY | {"data": data}).data or b"")


def test_null_data_are_data() -> None:
    """Section 3.1.1: an explicit null is not the absence of data."""
    assert structured(BODY | {"data": None}).data == b"null"


def test_absent_data_are_none() -> None:
    """A structured event without data has none, and no content type is made up."""
    event = structured(BODY)

    assert (event.data, event.datacontenttype) == (None, None)


def test_text_data_are_encoded_as_their_content_type_says() -> None:
    """A charset of the data's content type is the one that their bytes have."""
    event = structured(BODY | {"datacontenttype": "text/plain; charset=iso-8859-1", "data": "é"})

    assert event.data == b"\xe9"


def test_byte_order_mark_is_skipped() -> None:
    """RFC 8259 lets a reader ignore a byte order mark."""
    assert from_record(STRUCTURED, b"\xef\xbb\xbf" + json.dumps(BODY).encode()).id == "1234"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"\xff\xfe{\x00", "not JSON"),
        (b'{"a":' * 100_000, "not JSON"),
        (b'{"data":NaN}', "not a number"),
        (b'{"data":1e999}', "not a number"),
        (b'{"data":' + b"1" * 5000 + b"}", "not JSON"),
        (b'{"id":"1","id":"2"}', "twice"),
    ],
)
def test_what_is_no_json_object_is_poison(value: bytes, why: str) -> None:
    """A structured value that is not one JSON object with unique names is refused."""
    with pytest.raises(PoisonRecord, match=why):
        from_record(STRUCTURED, value)


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"data": 1, "data_base64": "AA=="}, "both data and data_base64"),
        ({"data_base64": "A"}, "not base64"),
        ({"data_base64": "é"}, "not base64"),
        ({"data_base64": 1234}, "not text"),
        ({"datacontenttype": 5, "data": 1}, "not text"),
        ({"datacontenttype": "text/plain", "data": {}}, "not text"),
        ({"datacontenttype": "text/plain; charset=klingon", "data": "x"}, "cannot be written"),
        ({"datacontenttype": "text/plain; charset=ascii", "data": "é"}, "cannot be written"),
        ({"data": "\ud800"}, "cannot be written"),
        ({"subject": "\ud800"}, "U\\+D800"),
        ({"data_b": 1}, "data_b"),
        ({f"x{number}": "" for number in range(MAX_ATTRIBUTES)}, "attributes"),
    ],
)
def test_members_that_break_the_json_format_are_poison(members: dict[str, object], why: str) -> None:
    """A structured event whose members contradict the format is refused."""
    with pytest.raises(PoisonRecord, match=why):
        structured(BODY | members)


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/cloudevents", b"application/cloudevents+avro", b"application/cloudevents-batch+json",
        b"application/cloudevents+json; charset=utf-16",
    ],
)  # fmt: skip
def test_formats_that_are_not_read_are_poison(content_type: bytes) -> None:
    """Of the event formats only JSON in UTF-8 is read."""
    with pytest.raises(PoisonRecord, match="is not read"):
        structured(BODY, content_type)


def test_base64_null_is_absence() -> None:
    """A null member is as good as none."""
    assert structured(BODY | {"data_base64": None, "data": "x"}).data == b'"x"'


@given(st.binary(max_size=50))
@settings(max_examples=30)
def test_base64_data_are_bytes(data: bytes) -> None:
    """Data in base64 are their bytes, whatever their content type."""
    assert data == structured(BODY | {"data_base64": base64.b64encode(data).decode()}).data


# Poison


def poison(*headers: Header, value: bytes | None = None) -> str:
    with pytest.raises(PoisonRecord) as raised:
        from_record(headers, value)
    return str(raised.value)


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type"])
def test_missing_attribute_is_poison(name: str) -> None:
    """A record without a required attribute is refused, by its name."""
    assert name in poison(*(header for header in LEAST if header[0] != f"ce_{name}"))


@pytest.mark.parametrize("name", ["id", "source", "type", "subject", "dataschema"])
def test_empty_attribute_is_poison(name: str) -> None:
    """No core attribute may be empty."""
    rest = [header for header in LEAST if header[0] != f"ce_{name}"]

    assert name in poison(*rest, (f"ce_{name}", b""))


def test_other_specversion_is_poison() -> None:
    """Only version 1.0 is read."""
    assert poison(("ce_specversion", b"0.3"), *LEAST[1:]) == "specversion is '0.3', not '1.0'"


def test_null_header_of_a_required_attribute_is_poison() -> None:
    """A required attribute that is null is missing."""
    assert "'id'" in poison(*(header for header in LEAST if header[0] != "ce_id"), ("ce_id", None))


def test_header_that_is_no_text_is_poison() -> None:
    """Header values are UTF-8."""
    assert poison(*LEAST, ("ce_subject", b"ab\xff")) == "header 'ce_subject' is not UTF-8: invalid start byte at byte 2"


def test_contradicting_headers_are_poison() -> None:
    """An attribute that is there twice with different values is refused rather than guessed."""
    assert "twice" in poison(*LEAST, ("ce_id", b"another"))


def test_repeated_header_is_read() -> None:
    """An attribute that is there twice with the same value says one thing."""
    assert from_record([*LEAST, LEAST[1]], None) == from_record(LEAST, None)


@pytest.mark.parametrize("name", ["ce_", "ce_a_b", "ce_é", "ce_data", "ce_" + "x" * 65])
def test_wrong_attribute_name_is_poison(name: str) -> None:
    """Names are of a-z and 0-9 and of bounded length, and `data` is none."""
    assert "attribute name" in poison(*LEAST, (name, b"x"))


@pytest.mark.parametrize("character", ["\x00", "\n", "\x7f", "\x85"])
def test_control_character_is_poison(character: str) -> None:
    """The type system excludes control characters."""
    assert f"U+{ord(character):04X}" in poison(*LEAST, ("ce_subject", f"a{character}b".encode()))


@pytest.mark.parametrize("name", ["ce_subject", "content-type"])
def test_long_attribute_is_poison(name: str) -> None:
    """An attribute's length is bounded."""
    assert "4,097 characters" in poison(*LEAST, (name, b"x" * (MAX_ATTRIBUTE + 1)))


def test_longest_attribute_is_read() -> None:
    """An attribute of the greatest length is read."""
    assert from_record([*LEAST, ("ce_subject", b"x" * MAX_ATTRIBUTE)], None).subject == "x" * MAX_ATTRIBUTE


def test_large_value_is_poison() -> None:
    """A value beyond the bound is refused."""
    assert "1,048,577 bytes" in poison(*LEAST, value=bytes(MAX_VALUE_BYTES + 1))


def test_largest_value_is_read() -> None:
    """A value of the greatest size is read."""
    assert from_record(LEAST, bytes(MAX_VALUE_BYTES)).data == bytes(MAX_VALUE_BYTES)


def test_many_attributes_are_poison() -> None:
    """The number of attributes is bounded."""
    assert "68 attributes" in poison(*LEAST, *((f"ce_x{number}", b"x") for number in range(MAX_ATTRIBUTES)))


header_names = st.text(max_size=8) | st.sampled_from([name for name, _ in LEAST] + ["content-type", "ce_time"])
header_values = st.none() | st.binary(max_size=20) | st.sampled_from([value for _, value in [*LEAST, *STRUCTURED]])
members = st.dictionaries(
    st.text(max_size=4) | st.sampled_from([*BODY, "data", "data_base64", "datacontenttype", "time"]),
    json_values | st.sampled_from([*BODY.values(), "text/plain; charset=idna", "2018-04-05T17:31:00Z"]),
)


@settings(max_examples=300)
@given(
    st.lists(st.tuples(header_names, header_values), max_size=8),
    st.sampled_from([[], LEAST, STRUCTURED]),
    st.none() | st.binary() | st.builds(lambda extra: json.dumps(BODY | extra).encode(), members),
)
def test_no_record_raises_anything_but_poison(more: list[Header], start: list[Header], value: bytes | None) -> None:
    """Whatever a record holds, it is an event or it is poison."""
    try:
        event = from_record([*start, *more], value)
    except PoisonRecord:
        return
    assert event == from_record(to_headers(event), event.data) or (event.datacontenttype or "").lower().startswith(
        "application/cloudevents"
    )
