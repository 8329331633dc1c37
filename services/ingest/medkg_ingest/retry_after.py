"""The Retry-After header of RFC 9110: seconds or an HTTP date."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """Seconds to wait from now on, at least 0; None when the header is missing or not understood."""
    if value is None:
        return None
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:  # "-0000" and the obsolete asctime form; RFC 9110 has all dates in UTC
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())
