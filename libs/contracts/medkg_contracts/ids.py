"""Deterministic identifiers: the same work has the same id, however often it is sent."""

import hashlib


def digest(*parts: str | int) -> str:
    """SHA-256 of the parts, which are separated so that ("a", "bc") and ("ab", "c") differ; 64 hex digits."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def event_id(job_id: str, stage: str, epoch: int, attempt: int, kind: str) -> str:
    """The id of a lifecycle event: a re-sent event is recognisably the same event."""
    return digest(job_id, stage, epoch, attempt, kind)[:32]


def job_id(source: str, event_id: str) -> str:
    """The id of a job whose request names none: derived from the request event's source and id."""
    return "j-" + digest(source, event_id)[:24]


def batch_item_id(batch_id: str, item: str) -> str:
    """The id of the job that a batch makes of one item."""
    return "j-" + digest(batch_id, item)[:24]
