"""The tables of pages that are made from the code. Run as a module, it writes them into the pages.

uv run python -m tests.docs.tables
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, cast, get_args

from medkg_contracts import errors
from medkg_contracts.data import Ignored
from medkg_contracts.errors import MedkgError
from medkg_contracts.events import data_model
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Contract
from medkg_contracts.stages import ARTIFACT_TYPES, STAGE_TYPES
from medkg_operations.new_stage.artifact import source

from .blocks import DOCS
from .statements import statement_table

#: What each kind says; the one thing that the code does not.
MEANINGS: Final[dict[Kind, tuple[str, str]]] = {
    Kind.JOB_REQUESTED: ("anyone", "somebody asks for a job; on `jobs.requests.v1`"),
    Kind.JOB_ACCEPTED: ("router", "the job is pinned to a plan and begins"),
    Kind.JOB_REJECTED: ("router", "the request breaks a rule, or no topology takes it"),
    Kind.JOB_COMPLETED: ("router", "all that was wanted has passed"),
    Kind.JOB_FAILED: ("router", "a stage failed, or a gate was refused or expired with `fail`"),
    Kind.JOB_CANCELLED: ("router", "somebody cancelled the job"),
    Kind.JOB_PAUSED: ("router", "nothing more is asked of a stage for the job"),
    Kind.JOB_RESUMED: ("router", "the paused job goes on"),
    Kind.JOB_RESTARTED: ("router", "the job runs again, from these stages on, on this plan"),
    Kind.JOB_STALLED: ("router", "the job has not moved for long, and why"),
    Kind.JOB_MIGRATED: ("the command line", "the job came from the system before medkg"),
    Kind.STAGE_REQUESTED: (
        "router",
        "asks a service for a stage, on `<stage>.queue.v1`, or an outside system",
    ),
    Kind.STAGE_STARTED: ("stage service", "the work begins"),
    Kind.STAGE_RETRYING: ("stage service", "a try failed, the next follows after a wait"),
    Kind.STAGE_COMPLETED: ("stage service", "the work is done; also on `<stage>.done.v1`"),
    Kind.STAGE_FAILED: ("stage service", "the work cannot be done; also on `<stage>.done.v1`"),
    Kind.STAGE_DEFERRED: ("stage service", "the next try is too far away to wait in place; also on `<stage>.done.v1`"),
    Kind.STAGE_DROPPED: ("stage service", "the work is wanted no more and was not done"),
    Kind.GATE_WAITING: ("router", "the job has come to a gate, which waits until the deadline"),
    Kind.GATE_OPENED: ("router", "the gate's event has come, now or early"),
    Kind.GATE_EXPIRED: ("router", "the deadline has passed"),
    Kind.EVENT_IGNORED: ("router", "an event changed nothing, and why"),
    Kind.RECORD_REFUSED: ("router, stage service", "a record could not be read or done, and went to a DLQ"),
    Kind.RECORD_REDRIVEN: ("the command line", "a dead letter has another try; also behind the letter on its DLQ"),
    Kind.RECORD_DISCARDED: ("the command line", "a dead letter was put aside; also behind the letter on its DLQ"),
    Kind.SCOPE_PAUSED: ("router", "a stage or a tenant is paused, or a stage is drained"),
    Kind.SCOPE_RESUMED: ("router", "the stage or the tenant goes on"),
    Kind.BREAKER_OPENED: ("stage service", "a failing resource is left alone, and the stage's queue waits"),
    Kind.BREAKER_CLOSED: ("stage service", "a probe succeeded, and the stage works again"),
    Kind.TIMER_DUE: ("router", "a durable timer of a gate or of a deferred stage is due; on `jobs.control.v1`"),
    Kind.TOPOLOGY_LOADED: ("router", "a topology's version is in use for new jobs"),
    Kind.TOPOLOGY_REFUSED: ("router", "a topology file was refused; the last good version stays"),
    Kind.ROLLOUT_REVERTED: ("router", "new jobs take a topology's old version again, and why"),
    Kind.CONTROL_RELOAD: ("an operator", "asks the router to read the topologies again; on `jobs.control.v1`"),
    Kind.CONTROL_CANCEL: ("an operator", "orders to cancel the job; on `jobs.control.v1`"),
    Kind.CONTROL_PAUSE: ("an operator", "orders to pause a job, a stage or a tenant; on `jobs.control.v1`"),
    Kind.CONTROL_RESUME: ("an operator", "orders to resume it; on `jobs.control.v1`"),
    Kind.CONTROL_RERUN: ("an operator", "orders to run the job again, from a stage on; on `jobs.control.v1`"),
    Kind.CONTROL_REFUSED: ("router", "an order is not obeyed, and why"),
}


def error_table() -> str:
    """A row for each class of the error tree, indented as the tree is."""
    rows = ["| class | code | retryable | job becomes | meaning | remedy | runbook |", "|---|---|---|---|---|---|---|"]
    for depth, error in error_tree():
        meaning = (error.__doc__ or "").splitlines()[0]
        name = "&emsp;" * depth + f"`{error.__name__}`"
        retryable = "yes" if error.retryable else "no"
        runbook = f"[{error.runbook.removesuffix('.md').replace('.md#', ': ')}](../runbooks/{error.runbook})"
        cells = (name, f"`{error.code}`", retryable, error.job_becomes, meaning, error.remedy, runbook)
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def event_table() -> str:
    """A row for each kind of event."""
    rows = ["| kind | sent by | says that | data |", "|---|---|---|---|"]
    for kind in Kind:
        sender, meaning = MEANINGS[kind]
        rows.append(f"| `{kind.value}` | {sender} | {meaning} | {_fields(kind)} |")
    return "\n".join(rows)


def reason_list() -> str:
    """The reasons of ``event.ignored``."""
    return ", ".join(f"`{reason}`" for reason in get_args(Ignored.model_fields["reason"].annotation)) + "."


def artifact_table() -> str:
    """A row for each artifact that a new stage can be given."""
    rows = ["| `--input` | type | made by |", "|---|---|---|"]
    for name, kind in ARTIFACT_TYPES.items():
        makers = [f"`{each.name}`" for each in STAGE_TYPES.values() if name in each.outputs]
        rows.append(f"| `{name}` | `{source(kind)}` | {', '.join(makers) or 'who asks for the job'} |")
    return "\n".join(rows)


TABLES: Final[dict[str, Callable[[], str]]] = {
    "errors": error_table,
    "events": event_table,
    "reasons": reason_list,
    "artifacts": artifact_table,
    "statements": statement_table,
}

_MADE = re.compile(r"(?P<begin><!-- made: (?P<name>\w+) -->\n).*?(?P<end><!-- end -->)", re.DOTALL)


def renewed(page: str) -> str:
    """The page's text with its made parts as they have to be."""
    return _MADE.sub(lambda match: f"{match['begin']}\n{TABLES[match['name']]()}\n\n{match['end']}", page)


def made_pages() -> list[Path]:
    """The pages that have made parts."""
    return [page for page in sorted(DOCS.rglob("*.md")) if _MADE.search(page.read_text())]


def error_tree(error: type[MedkgError] = MedkgError, depth: int = 0) -> Iterator[tuple[int, type[MedkgError]]]:
    """The classes of the error tree, each with its depth."""
    yield depth, error
    for child in error.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from error_tree(child, depth + 1)


def _fields(kind: Kind) -> str:
    adapter = data_model(kind)
    if adapter is None:
        return "none"
    model = cast("type[Contract]", adapter._type)
    return ", ".join(f"`{name}`" for name in model.model_fields)


if __name__ == "__main__":
    for made in made_pages():
        made.write_text(renewed(made.read_text()))
