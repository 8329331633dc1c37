"""W3C Trace Context across hops, without a tracing SDK: a job is one trace, each event is a span in it."""

import re

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}\Z")


def child_of(traceparent: str | None, event_id: str) -> str | None:
    """The trace context of an event caused within `traceparent`: the same trace, a span of its own.

    The span id is the first 16 digits of the event's id, so that a re-sent event is the same span. A context that is
    not valid is dropped, as W3C Trace Context demands.
    """
    if traceparent is None or not _TRACEPARENT.match(traceparent):
        return None
    return f"{traceparent[:36]}{event_id[:16]}{traceparent[52:]}"
