"""What `medkg dlq` shows: lists of dead letters, one letter, and what became of some."""

from base64 import b64encode
from collections.abc import Sequence

import orjson
from medkg_contracts.cloudevents import without_bom
from medkg_contracts.dlq import DeadLetterEntry
from medkg_operations.deadletters.redrive import Task, redrives_of
from medkg_operations.deadletters.redriver import Outcome
from medkg_operations.deadletters.selection import error_class, job_of, summary
from pydantic import JsonValue
from rich.console import Group, RenderableType
from rich.text import Text

from .output import coloured, moment, size, table

#: Where a page of the runbooks is.
RUNBOOKS = "docs/runbooks"


def summary_view(letters: Sequence[DeadLetterEntry]) -> RenderableType:
    """How many there are of each topic and code."""
    rows = [
        (topic, code, str(count), f"{RUNBOOKS}/{error_class(code).runbook}")
        for (topic, code), count in summary(letters).items()
    ]
    return table(None, ("topic", "code", "letters", "runbook"), rows, numbers=("letters",))


def letters_view(letters: Sequence[DeadLetterEntry]) -> RenderableType:
    """A row for each letter."""
    rows = [
        (
            str(entry.letter.place),
            coloured(entry.state),
            moment(entry.letter.timestamp),
            job_of(entry.letter) or "",
            entry.letter.text("ce_stage") or "",
            entry.letter.text("ce_tenantid") or "",
            f"[{entry.letter.code}] {entry.letter.message}",
        )
        for entry in letters
    ]
    return table(None, ("letter", "state", "since", "job", "stage", "tenant", "error"), rows)


def letter_view(entry: DeadLetterEntry) -> RenderableType:
    """All that there is to say about one letter."""
    letter = entry.letter
    grid = table(None, ("", ""), [(name, value) for name, value in _facts(entry) if value])
    grid.show_header = False
    headers = [(name, "null" if raw is None else _text(raw)) for name, raw in letter.original.headers]
    return Group(
        Text(f"dead letter {letter.place}", style="bold"),
        grid,
        Text(),
        table("Headers of the record", ("name", "value"), headers),
        Text(),
        Text("Value of the record", style="bold"),
        Text(value_text(letter.original.value)),
    )


def tasks_view(tasks: Sequence[Task]) -> RenderableType:
    """What would be done."""
    rows = [(str(task.letter.place), coloured(task.action), task.detail) for task in tasks]
    return table(None, ("letter", "would be", "that is"), rows)


def outcomes_view(outcomes: Sequence[Outcome]) -> RenderableType:
    """What became of each letter."""
    rows = [(str(outcome.letter.place), coloured(outcome.result), outcome.detail) for outcome in outcomes]
    return table(None, ("letter", "result", "that is"), rows)


def letter_data(entry: DeadLetterEntry) -> dict[str, object]:
    """A letter for programs, without its value."""
    letter, kind = entry.letter, error_class(entry.letter.code)
    original = letter.original
    return {
        "letter": str(letter.place),
        "state": entry.state,
        "since": letter.timestamp,
        "error": {
            "code": letter.code,
            "message": letter.message,
            "class": letter.error_class,
            "remedy": kind.remedy,
            "runbook": f"{RUNBOOKS}/{kind.runbook}",
        },
        "job": {name: letter.text(f"ce_{attribute}") for name, attribute in _CONTEXT.items()} | {"id": job_of(letter)},
        "record": {
            "place": str(original.place),
            "timestamp": original.timestamp,
            "group": letter.group,
            "key": None if original.key is None else _text(original.key),
            "headers": [[name, None if raw is None else _text(raw)] for name, raw in original.headers],
            "stored": letter.stored,
        },
        "redrives": redrives_of(letter),
        "closed": entry.closed,
    }


def value_data(value: bytes | None) -> JsonValue:
    """A record's value for programs: its JSON if it is JSON, and otherwise its bytes in base64."""
    if value is None:
        return None
    try:
        return {"json": orjson.loads(without_bom(value))}
    except orjson.JSONDecodeError:
        return {"base64": b64encode(value).decode()}


def value_text(value: bytes | None) -> str:
    """A record's value for people: indented JSON, or text, or else its bytes in hexadecimal."""
    if value is None:
        return "null"
    try:
        return orjson.dumps(orjson.loads(without_bom(value)), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        pass
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return value.hex(" ")
    return text if all(letter.isprintable() or letter in "\n\r\t" for letter in text) else value.hex(" ")


#: The job's context, by the attribute of the record's event that tells it.
_CONTEXT = {
    "tenant": "tenantid",
    "topology": "topology",
    "stage": "stage",
    "epoch": "epoch",
    "correlation": "correlationid",
    "event": "id",
}


def _facts(entry: DeadLetterEntry) -> list[tuple[str, RenderableType]]:
    letter, kind = entry.letter, error_class(entry.letter.code)
    facts: list[tuple[str, RenderableType]] = [
        ("state", coloured(entry.state)),
        ("since", moment(letter.timestamp)),
        ("error", Text(f"[{letter.code}] {letter.message}", style="red")),
        ("class", letter.error_class),
        ("remedy", kind.remedy),
        ("runbook", f"{RUNBOOKS}/{kind.runbook}"),
        ("job", job_of(letter) or ""),
    ]
    facts += [(name, letter.text(f"ce_{attribute}") or "") for name, attribute in _CONTEXT.items()]
    original, redrives = letter.original, redrives_of(letter)
    facts += [
        ("record", f"{original.place}, at {moment(original.timestamp)}"),
        ("group", letter.group),
        ("key", "null" if original.key is None else _text(original.key)),
        ("size", size(len(original.value or b""))),
        ("stored", letter.stored or ""),
        ("before", f"it was redriven and came back, {redrives} times in all" if redrives else ""),
    ]
    if entry.closed is not None:
        order = entry.closed.order
        facts.append((entry.state, " ".join(part for part in (f"by {order.by}", order.reason) if part)))
    return facts


def _text(raw: bytes) -> str:
    return raw.decode(errors="backslashreplace")
