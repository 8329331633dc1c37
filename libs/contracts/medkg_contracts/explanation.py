"""Why a job is where it is, as `medkg explain` prints it and as `job.stalled` carries it."""

from .model import Contract


class Explanation(Contract):
    """Why a job is where it is.

    Attributes:
        status: the job's; ``requested``, ``refused`` or ``unknown`` of one that the ledger does not know.
        cause: a stable code, one of those that the guide on explaining lists.
        summary: the cause in a sentence.
        stage: the stage or gate that it is about.
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
    record: str | None = None
    waiting_on: str | None = None
    last_error: str | None = None
    next_action: str

    def text(self) -> str:
        """The explanation for people: a line for each thing that there is to say."""
        lines = [f"{self.job_id} is {self.status}: {self.summary}"]
        labels = ("pipeline", "stage", "record", "waiting_on", "last_error", "next_action")
        lines += [f"  {label.replace('_', ' '):<12} {value}" for label in labels if (value := getattr(self, label))]
        return "\n".join(lines)
