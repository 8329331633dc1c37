"""Why a job is where it is, as `medkg explain` prints it and as `job.stalled` carries it."""

import operator
from typing import Annotated

from pydantic import Field

from .model import Contract, Name, OptionValue


class Explanation(Contract):
    """Why a job is where it is.

    Attributes:
        status: the job's; ``requested``, ``refused`` or ``unknown`` of one that the ledger does not know.
        cause: a stable code, one of those that the guide on explaining lists.
        summary: the cause in a sentence.
        stage: the stage or gate that it is about.
        options: what the job's topology says of how that stage is to work; written only where it says something.
        record: ``topic/partition@offset`` of the record that the job hangs on.
        waiting_on: what must happen for the job to go on.
        last_error: the last error that anybody reported for the job.
        next_action: what a person does now.
    """

    job_id: str
    status: str
    cause: str
    summary: str
    pipeline: str | None = None
    stage: str | None = None
    options: Annotated[dict[Name, OptionValue], Field(exclude_if=operator.not_)] = {}
    record: str | None = None
    waiting_on: str | None = None
    last_error: str | None = None
    next_action: str

    def text(self) -> str:
        """The explanation for people: a line for each thing that there is to say."""
        lines = [f"{self.job_id} is {self.status}: {self.summary}"]
        facts = {
            "pipeline": self.pipeline,
            "stage": self.stage,
            "options": ", ".join(f"{name} {value}" for name, value in self.options.items()),
            "record": self.record,
            "waiting on": self.waiting_on,
            "last error": self.last_error,
            "next action": self.next_action,
        }
        lines += [f"  {label:<12} {value}" for label, value in facts.items() if value]
        return "\n".join(lines)
