"""`medkg dlq` reads its options, and shows letters."""

from dataclasses import replace
from time import time

import pytest
import typer
from medkg_cli.dlq import filters, selection, when
from medkg_cli.letter_view import letter_data, letter_view, value_data, value_text
from medkg_cli.output import PIPE_WIDTH
from medkg_contracts.dlq import DeadLetterEntry
from medkg_contracts.records import Place
from medkg_operations.deadletters.selection import DeadLetterFilter
from rich.console import Console

from libs.operations.tests.letters_of import letter, other_letter

NONE = dict.fromkeys(("stage", "topic", "code", "job", "tenant", "since", "until"))


def shown(entry: DeadLetterEntry) -> str:
    console = Console(width=PIPE_WIDTH)
    with console.capture() as capture:
        console.print(letter_view(entry))
    return capture.get()


def test_a_stage_is_short_for_its_topic():
    """--stage parse is --topic parse.dlq.v1; both together are wrong usage."""
    assert DeadLetterFilter(topic="parse.dlq.v1", code="bug") == filters(**{**NONE, "stage": "parse", "code": "bug"})
    with pytest.raises(typer.BadParameter, match="exclude each other"):
        filters(**{**NONE, "stage": "parse", "topic": "parse.dlq.v1"})


def test_letters_are_named_or_all_that_fit_are_meant():
    """Either letters are named one by one, or --all says that the filters choose them."""
    named = selection(["parse.dlq.v1/3@17"], DeadLetterFilter(), all_=False)
    assert frozenset({Place("parse.dlq.v1", 3, 17)}) == named.places
    assert DeadLetterFilter(code="bug") == selection(None, DeadLetterFilter(code="bug"), all_=True)


@pytest.mark.parametrize(
    ("letters", "wanted", "all_"),
    [
        (None, DeadLetterFilter(code="bug"), False),
        (["parse.dlq.v1/3@17"], DeadLetterFilter(), True),
        (["parse.dlq.v1/3@17"], DeadLetterFilter(code="bug"), False),
        (["parse.dlq.v1"], DeadLetterFilter(), False),
    ],
)
def test_an_unclear_choice_is_wrong_usage(letters, wanted, all_):
    """Without --all nothing is chosen by filters, and named letters need none."""
    with pytest.raises(typer.BadParameter):
        selection(letters, wanted, all_=all_)


def test_a_time_is_a_duration_ago_or_a_moment():
    """--since takes 2h as well as an RFC 3339 time."""
    assert 1_795_248_000_000 == when("--since", "2026-11-21T08:00:00Z")
    assert 1_795_248_000_000 == when("--since", "2026-11-21T08:00:00")
    assert when("--since", None) is None
    ago = when("--since", "2h")
    assert ago is not None
    assert 7_200 == pytest.approx(time() - ago / 1000, abs=60)


def test_another_time_is_wrong_usage():
    """A time that cannot be read is named."""
    with pytest.raises(typer.BadParameter, match="--until 'yesterday'"):
        when("--until", "yesterday")


def test_a_letter_says_what_to_do():
    """A letter shows the error with its remedy and runbook, the job, and the record."""
    text = shown(DeadLetterEntry(letter()))
    for words in ("parse.dlq.v1/3@17", "[timeout] it took too long", "docs/runbooks/retries.md#timeouts", "j-1"):
        assert words in text
    assert '"id": "NCT05814159"' in text


def test_a_letter_is_data():
    """For programs a letter has its error, its job's context and its record's headers."""
    data = letter_data(DeadLetterEntry(letter(epoch=2)))
    assert {"id": "j-1", "tenant": "public", "stage": "parse", "epoch": "2", "topology": "trials@0"}.items() <= data[
        "job"
    ].items()
    assert ("parse.queue.v1/3@41", "medkg.parse") == (data["record"]["place"], data["record"]["group"])


def test_a_letter_of_no_event_can_be_shown():
    """Null key, null value, null headers and headers that are not text are shown."""
    text = shown(DeadLetterEntry(other_letter()))
    assert "null" in text
    assert "\\xff" in text
    assert [["a", "1"], ["a", None], ["b", "\\xff"]] == letter_data(DeadLetterEntry(other_letter()))["record"][
        "headers"
    ]


def test_a_letter_with_a_stored_record_says_where_it_is():
    """A record that is in the artifact store is named."""
    assert "artifact://system/0" in shown(DeadLetterEntry(replace(letter(), stored="artifact://system/0")))


@pytest.mark.parametrize(
    ("value", "text", "data"),
    [
        (None, "null", None),
        (b'{"a":1}', '{\n  "a": 1\n}', {"json": {"a": 1}}),
        (b'\xef\xbb\xbf{"a":1}', '{\n  "a": 1\n}', {"json": {"a": 1}}),
        (b"garbage\n", "garbage\n", {"base64": "Z2FyYmFnZQo="}),
        (b"\xff\x00", "ff 00", {"base64": "/wA="}),
        (b"a\x00", "61 00", {"base64": "YQA="}),
    ],
)
def test_a_value_is_shown_as_what_it_is(value, text, data):
    """JSON is indented, text is text, all else is hexadecimal; for programs it is JSON or base64."""
    assert (text, data) == (value_text(value), value_data(value))
