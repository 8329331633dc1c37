"""The Retry-After header."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_ingest.retry_after import retry_after_seconds

NOW = datetime(2026, 10, 21, 7, 28, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("Wednesday, 21-Oct-26 07:28:30 GMT", 30.0),
        ("Wed Oct 21 07:28:30 2026", 30.0),
        ("Wed, 21 Oct 2026 07:00:00 GMT", 0.0),
        ("1.5", None),
        ("-1", None),
        ("soon", None),
        ("9" * 400, None),
    ],
)
def test_seconds_and_all_three_date_forms_are_read(value: str | None, seconds: float | None) -> None:
    """RFC 9110's forms give seconds from now, a past date 0, and anything else None."""
    assert seconds == retry_after_seconds(value, NOW)


@settings(max_examples=200)
@given(st.text(max_size=40))
def test_no_text_breaks_the_reading(text: str) -> None:
    """Whatever a source sends, the result is None or a wait that is not negative."""
    seconds = retry_after_seconds(text, NOW)
    assert seconds is None or seconds >= 0
