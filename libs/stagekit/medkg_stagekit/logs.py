"""JSON logs on standard error: one object a line, with the job's ids where there is a job."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from .work import Work

_JOB: ContextVar[dict[str, str] | None] = ContextVar("job", default=None)


class JsonFormatter(logging.Formatter):
    """A log record as one line of JSON."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The record's time, level, logger, message, error and the current job's ids."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "service": self._service,
            "pid": os.getpid(),
            "logger": record.name,
            "message": record.getMessage(),
            **(_JOB.get() or {}),
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
def job_fields(work: Work) -> Iterator[None]:
    """Within this, every log line carries the work's job, tenant, correlation id, stage and trace."""
    fields = {
        "job_id": work.ctx.job_id,
        "tenant_id": work.ctx.tenant_id,
        "correlation_id": work.ctx.correlation_id,
        "stage": work.node,
    }
    if work.traceparent is not None:
        fields["trace_id"] = work.traceparent[3:35]
    token = _JOB.set(fields)
    try:
        yield
    finally:
        _JOB.reset(token)
