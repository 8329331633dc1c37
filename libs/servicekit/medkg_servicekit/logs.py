"""JSON logs on standard error: one object a line, with the fields of what is being done."""

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType

_FIELDS: ContextVar[Mapping[str, str]] = ContextVar("fields", default=MappingProxyType({}))


class JsonFormatter(logging.Formatter):
    """A log record as one line of JSON."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The record's time, level, logger, message and error, and the fields of what is being done."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "service": self._service,
            "pid": os.getpid(),
            "logger": record.name,
            "message": record.getMessage(),
            **_FIELDS.get(),
        }
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        # not orjson, which refuses text with lone surrogates; such a line must not be lost
        return json.dumps(entry, default=str)


def configure(service: str, level: str) -> None:
    """Send all logs to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("aiokafka", "httpx", "opensearch"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("faststream").setLevel(logging.ERROR)  # it warns at each start that topics must exist


@contextmanager
def fields(values: Mapping[str, str]) -> Iterator[None]:
    """Within this, every log line carries these fields."""
    token = _FIELDS.set({**_FIELDS.get(), **values})
    try:
        yield
    finally:
        _FIELDS.reset(token)
