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

from .blocks import DOCS

#: What each kind says; the one thing that the code does not.
MEANINGS: Final[dict[Kind, tuple[str, str]]] = {
    Kind.JOB_REQUESTED: ("anyone", "somebody asks for a job; on `jobs.requests.v1`"),
    Kind.JOB_ACCEPTED: ("router", "the job is pinned to a plan and begins"),
    Kind.JOB_REJECTED: ("router", "the request breaks a rule, or no topology takes it"),
    Kind.JOB_COMPLETED: ("router", "all that was wanted has passed"),
    Kind.JOB_FAILED: ("router", "a stage failed, or a gate was refused or expired with `fail`"),
    Kind.JOB_CANCELLED: ("nobody yet", "somebody cancelled the job; the kind is reserved"),
    Kind.STAGE_REQUESTED: (
        "router",
        "asks a service for a stage, on `<stage>.queue.v1`, or an outside system",
    ),
    Kind.STAGE_STARTED: ("stage service", "the work begins"),
    Kind.STAGE_RETRYING: ("stage service", "a try failed, the next follows after a wait"),
    Kind.STAGE_COMPLETED: ("stage service", "the work is done; also on `<stage>.done.v1`"),
    Kind.STAGE_FAILED: ("stage service", "the work cannot be done; also on `<stage>.done.v1`"),
    Kind.GATE_WAITING: ("router", "the job has come to a gate, which waits until the deadline"),
    Kind.GATE_OPENED: ("router", "the gate's event has come, now or early"),
    Kind.GATE_EXPIRED: ("router", "the deadline has passed"),
    Kind.EVENT_IGNORED: ("router", "an event changed nothing, and why"),
    Kind.RECORD_REFUSED: ("router, stage service", "a record could not be read or done, and went to a DLQ"),
    Kind.TIMER_DUE: ("router", "a gate's durable timer is due; on `jobs.control.v1`"),
    Kind.TOPOLOGY_LOADED: ("router", "a topology's version is in use for new jobs"),
    Kind.TOPOLOGY_REFUSED: ("router", "a topology file was refused; the last good version stays"),
    Kind.CONTROL_RELOAD: ("an operator", "asks the router to read the topologies again; on `jobs.control.v1`"),
}


def error_table() -> str:
    """A row for each class of the error tree, indented as the tree is."""
    rows = ["| class | code | retryable | meaning | remedy |", "|---|---|---|---|---|"]
    for depth, error in _tree(MedkgError):
        meaning = (error.__doc__ or "").splitlines()[0]
        name = "&emsp;" * depth + f"`{error.__name__}`"
        rows.append(f"| {name} | `{error.code}` | {'yes' if error.retryable else 'no'} | {meaning} | {error.remedy} |")
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


TABLES: Final[dict[str, Callable[[], str]]] = {
    "errors": error_table,
    "events": event_table,
    "reasons": reason_list,
}

_MADE = re.compile(r"(?P<begin><!-- made: (?P<name>\w+) -->\n).*?(?P<end><!-- end -->)", re.DOTALL)


def renewed(page: str) -> str:
    """The page's text with its made parts as they have to be."""
    return _MADE.sub(lambda match: f"{match['begin']}\n{TABLES[match['name']]()}\n\n{match['end']}", page)


def made_pages() -> list[Path]:
    """The pages that have made parts."""
    return [page for page in sorted(DOCS.rglob("*.md")) if _MADE.search(page.read_text())]


def _tree(error: type[MedkgError], depth: int = 0) -> Iterator[tuple[int, type[MedkgError]]]:
    yield depth, error
    for child in error.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _tree(child, depth + 1)


def _fields(kind: Kind) -> str:
    adapter = data_model(kind)
    if adapter is None:
        return "none"
    model = cast("type[Contract]", adapter._type)
    return ", ".join(f"`{name}`" for name in model.model_fields)


if __name__ == "__main__":
    for made in made_pages():
        made.write_text(renewed(made.read_text()))
