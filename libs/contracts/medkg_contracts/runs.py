"""Runs of stages: which one an event or a record is about."""

from collections.abc import Mapping
from typing import NamedTuple

from .records import Record


class StageRun(NamedTuple):
    """A run of a stage."""

    job_id: str
    stage: str
    epoch: int


def run_asked_for(record: Record) -> StageRun | None:
    """The run that a record of a stage's queue asks for; None when it asks for none."""
    named = {name: raw.decode(errors="replace") for name, raw in record.headers if raw is not None}
    job, stage, epoch = (named.get(f"ce_{name}", "") for name in ("jobid", "stage", "epoch"))
    if not job or not stage or not (epoch.isascii() and epoch.isdecimal()):
        return None
    return StageRun(job, stage, int(epoch))


def is_about(attributes: Mapping[str, str], stage: str, epoch: int) -> bool:
    """Whether an event with these attributes is about this run; one that names no run is about the present one."""
    return attributes.get("stage") == stage and attributes.get("epoch", str(epoch)) == str(epoch)
