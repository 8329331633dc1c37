"""The modules of posted results: participant flow, baseline, outcome measures, adverse events."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from pydantic import JsonValue

from medkg_parse.fields import Fields
from medkg_parse.generic import clean, inline, is_scalar, objects_in, scalar_text, with_details
from medkg_parse.layout import Text, layout, lines, rows
from medkg_parse.writing import Grid, SectionWriter

#: A table with more groups is written with one line a value: so many columns cannot be read.
MAX_GROUP_COLUMNS = 60
#: A title of more characters is written once as a whole and shortened where it is repeated for each row or field, so
#: that the text does not grow with the product of both.
MAX_HEADING = 300

_GROUPS = rows("groups", "Groups", "id", "title", "description")
_EVENT_GROUPS = rows("eventGroups", "Groups", "id", "title", "description")
_FLOW = layout(lines("recruitmentDetails", "preAssignmentDetails", "typeUnitsAnalyzed"))
_BASELINE = layout(lines("populationDescription", "typeUnitsAnalyzed"))
_OUTCOME = layout(
    lines("title", "type", "description", "timeFrame", "populationDescription", "reportingStatus"),
    lines("paramType", "dispersionType", "unitOfMeasure", "typeUnitsAnalyzed", "denomUnitsSelected"),
)
_ANALYSES = rows(
    "analyses", "Statistical analyses",
    "groupIds", "groupDescription", "statisticalMethod", "pValue", "paramType", "paramValue",
    "ciPctValue", "ciNumSides", "ciLowerLimit", "ciUpperLimit", "dispersionType", "dispersionValue",
)  # fmt: skip
_CLASSES = ("Class", "Category")
_EVENTS = layout(Text("description"), lines("timeFrame", "frequencyThreshold"), _EVENT_GROUPS)

Groups = Mapping[str, str]
#: A row's leading cells, and its values by group id.
Row = tuple[Sequence[str], Sequence[tuple[str, str]]]


def participant_flow(fields: Fields, out: SectionWriter) -> None:
    """Who started, who completed and who left, period by period."""
    _FLOW(fields, out)
    groups = _groups(fields, "groups")
    _GROUPS(fields, out)
    for number, item in enumerate(fields.objects("periods"), 1):
        period = Fields(item)
        title = period.text("title") or f"Period {number}"
        steps = [_row(step, ("type",), "achievements", _subjects) for step in period.objects("milestones")]
        left = [_row(reason, ("type",), "reasons", _subjects) for reason in period.objects("dropWithdraws")]
        written = [
            _group_table(out, f"{title}: milestones", ("Milestone",), groups, steps),
            _group_table(out, f"{title}: reasons for leaving", ("Reason",), groups, left),
        ]
        if not any(written):
            out.paragraph(title)
        out.values(period.rest(), f"{_heading(title)} / ")


def baseline(fields: Fields, out: SectionWriter) -> None:
    """The participants' characteristics at the start, a table for each measure."""
    _BASELINE(fields, out)
    groups = _groups(fields, "groups")
    _GROUPS(fields, out)
    _group_table(out, "Participants", _CLASSES, groups, _denominators(fields, ""))
    for number, item in enumerate(fields.objects("measures"), 1):
        measure = Fields(item)
        title = measure.text("title") or f"Measure {number}"
        kind = [measure.text(name) for name in ("paramType", "dispersionType", "unitOfMeasure")]
        caption = with_details(title, {"values": ", ".join(filter(None, kind))})
        _measurements(measure, out, caption, groups)
        out.values(measure.rest(), f"{_heading(title)} / ")


def outcome_measure(fields: Fields, out: SectionWriter) -> None:
    """One outcome: what was measured, the values of each group, and the analyses."""
    title = inline(fields.peek("title"))
    _OUTCOME(fields, out)
    groups = _groups(fields, "groups")
    _GROUPS(fields, out)
    _measurements(fields, out, title, groups)
    _ANALYSES(fields, out)


def adverse_events(fields: Fields, out: SectionWriter) -> None:
    """Serious and other adverse events, by term and group."""
    groups = _groups(fields, "eventGroups")
    _EVENTS(fields, out)
    lead = ("organSystem", "term", "sourceVocabulary", "assessmentType", "notes")
    columns = ("Organ system", "Term", "Source vocabulary", "Assessment type", "Notes")
    for name, caption in (("seriousEvents", "Serious adverse events"), ("otherEvents", "Other adverse events")):
        events = [_row(event, lead, "stats", _affected) for event in fields.objects(name)]
        _group_table(out, caption, columns, groups, events)


def _groups(fields: Fields, name: str) -> Groups:
    """Group ids and their column headings."""
    named = ((inline(group.get("id")), inline(group.get("title"))) for group in objects_in(fields.peek(name)) or ())
    return {group: clean(f"{_heading(title)} ({group})") if title else group for group, title in named if group}


def _heading(title: str) -> str:
    """A title as it is repeated."""
    return title if len(title) <= MAX_HEADING else f"{title[:MAX_HEADING]}…"


def _measurements(fields: Fields, out: SectionWriter, caption: str, groups: Groups) -> None:
    """The table of a measure: rows are classes and categories, columns are groups."""
    found = _denominators(fields, "")
    for item in fields.objects("classes"):
        found += _class_rows(Fields(item))
    if not _group_table(out, caption, _CLASSES, groups, found):
        out.paragraph(caption)


def _class_rows(fields: Fields) -> list[Row]:
    """A class's rows; one that says no more than its title has a row with that."""
    title = fields.text("title")
    its_rows = _denominators(fields, title)
    for category in fields.objects("categories"):
        (name,), values = _row(category, ("title",), "measurements", _measurement)
        its_rows.append(((title, name if title or name else "Value"), values))
    if rest := inline(fields.rest()):
        its_rows.append(((title, rest), ()))
    if title and not its_rows:
        its_rows.append(((title, ""), ()))
    return [*its_rows[:1], *(((_heading(title), *cells[1:]), values) for cells, values in its_rows[1:])]


def _denominators(fields: Fields, title: str) -> list[Row]:
    """How many were counted in each group."""
    denominators = (_row(item, ("units",), "counts", _count) for item in fields.objects("denoms"))
    return [((title, f"{units} analyzed"), values) for (units,), values in denominators]


def _row(item: Mapping[str, JsonValue], lead: Sequence[str], name: str, show: Callable[[Fields], str]) -> Row:
    """A row: its leading fields, what each group has under `name`, and all else in the last leading cell."""
    fields = Fields(item)
    values = []
    for value in fields.objects(name):
        of_group = Fields(value)
        group = of_group.text("groupId")
        values.append((group, with_details(show(of_group), of_group.rest())))
    cells = [inline(fields.take(field)) for field in lead]
    cells[-1] = with_details(cells[-1], fields.rest())
    return cells, values


def _subjects(value: Fields) -> str:
    return with_details(_scalar(value, "numSubjects"), {"comment": value.text("comment")})


def _count(value: Fields) -> str:
    return _scalar(value, "value")


def _measurement(value: Fields) -> str:
    text, spread = _scalar(value, "value"), _scalar(value, "spread")
    limits = [_scalar(value, "lowerLimit"), _scalar(value, "upperLimit")]
    text += f" ({spread})" if spread else ""
    return f"{text} [{limits[0]}, {limits[1]}]" if any(limits) else text


def _affected(value: Fields) -> str:
    affected, at_risk, events = (_scalar(value, name) for name in ("numAffected", "numAtRisk", "numEvents"))
    text = f"{affected or '?'} of {at_risk}" if at_risk else affected
    return f"{text} ({events} events)" if events else text


def _scalar(fields: Fields, name: str) -> str:
    """A plain field's text; the field stays open when it is not plain."""
    value = fields.peek(name)
    if value is None or not is_scalar(value):
        return ""
    taken = fields.take(name)
    return scalar_text(taken) if isinstance(taken, str | int | float) else ""


def _group_table(out: SectionWriter, caption: str, lead: Sequence[str], groups: Groups, found: Iterable[Row]) -> bool:
    """A table with a column for each group, or with a line for each value when there are too many groups."""
    found = list(found)
    ids = list(dict.fromkeys([*groups, *(group for _, values in found for group, _ in values)]))
    if len(ids) > MAX_GROUP_COLUMNS:
        long = [
            (*cells, groups.get(group, group), text) for cells, values in found for group, text in values or [("", "")]
        ]
        return out.table(Grid(caption, (*lead, "Group", "Value"), long))
    heard = {*groups, *(group for _, values in found for group, text in values if text)}
    body = []
    for cells, values in found:
        # A column without a value is left out; the group that it was for is not, unless others name it.
        silent: list[JsonValue] = [group for group, _ in values if group not in heard]
        *first, last = cells
        by_group = {group: "; ".join(t for g, t in values if g == group and t) for group in ids}
        body.append((*first, with_details(last, {"groupsWithoutValue": silent}), *by_group.values()))
    return out.table(Grid(caption, (*lead, *(groups.get(group, group) or "No group" for group in ids)), body))
