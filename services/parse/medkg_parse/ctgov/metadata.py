"""The facts about a study that one filters by, read from its record."""

import re
from collections.abc import Callable, Iterator, Mapping

from pydantic import JsonValue

from medkg_parse.generic import is_scalar, scalar_text

from .payload import quote
from .vocabulary import has_vocabulary, todays_words

_EVERY = "*"
_P = "protocolSection"
_NAMED_DATE = re.compile(r"(?P<month>[A-Z][a-z]+) (?:(?P<day>\d{1,2}), )?(?P<year>\d{4})", re.ASCII)
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def facts(content: Mapping[str, JsonValue], nct_id: str) -> tuple[dict[str, JsonValue], list[str]]:
    """A document's metadata, and what is to be told of them.

    The metadata are a text, a number or null, or a list of texts for each name. What has a fixed vocabulary has the
    words of today's API, whatever form the record has; a word that is not known is kept and told.
    """
    found: dict[str, JsonValue] = {"nct_id": nct_id}
    notes: list[str] = []
    for name, (kind, paths) in _FACTS.items():
        value = kind([value for path in paths for value in _at(content, path.split("/"))])
        found[name] = _in_todays_words(name, value, notes) if has_vocabulary(name) else value
    flag = content.get("hasResults")
    found["has_results"] = flag if isinstance(flag, bool) else bool(content.get("resultsSection"))
    return found, notes


def _in_todays_words(name: str, value: JsonValue, notes: list[str]) -> JsonValue:
    """The value, or the values of a list, in today's words; notes those that have none."""
    words: dict[str, None] = {}
    for said in _texts(value if isinstance(value, list) else [value]):
        known = todays_words(name, said)
        if not known:
            notes.append(f"{name}: {quote(said)} is not a word of the source's vocabulary and is kept as it is")
        words |= dict.fromkeys(known or [said])
    return [*words] if isinstance(value, list) else next(iter(words), None)


def _one(values: list[JsonValue]) -> JsonValue:
    return next(iter(_texts(values)), None)


def _every(values: list[JsonValue]) -> JsonValue:
    return [*dict.fromkeys(_texts(values))]


def _age(values: list[JsonValue]) -> JsonValue:
    """An age; older records say ``N/A`` where today's have none."""
    text = _one(values)
    return None if text == "N/A" else text


def _number(values: list[JsonValue]) -> JsonValue:
    text = _one(values)
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 10 else None


def _date(values: list[JsonValue]) -> JsonValue:
    """A date as ISO writes it; older records have ``June 2009`` and ``June 26, 2009``."""
    text = _one(values)
    found = _NAMED_DATE.fullmatch(text) if isinstance(text, str) else None
    if found is None or found["month"] not in _MONTHS:
        return text
    month = f"{found['year']}-{_MONTHS.index(found['month']) + 1:02}"
    return f"{month}-{int(found['day']):02}" if found["day"] else month


def _texts(values: list[JsonValue]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str | int | float) and (text := scalar_text(value)):
            yield text


def _at(value: JsonValue | Mapping[str, JsonValue], path: list[str]) -> Iterator[JsonValue]:
    """The plain values at a path, in which ``*`` stands for all items of a list, or for a value without a list."""
    if not path:
        if not isinstance(value, Mapping) and is_scalar(value):
            yield value
    elif path[0] == _EVERY:
        for item in value if isinstance(value, list) else [value]:
            yield from _at(item, path[1:])
    elif isinstance(value, Mapping):
        yield from _at(value.get(path[0]), path[1:])


_FACTS: Mapping[str, tuple[Callable[[list[JsonValue]], JsonValue], tuple[str, ...]]] = {
    "acronym": (_one, (f"{_P}/identificationModule/acronym",)),
    "status": (_one, (f"{_P}/statusModule/overallStatus",)),
    "study_type": (_one, (f"{_P}/designModule/studyType",)),
    "phases": (_every, (f"{_P}/designModule/phases/*",)),
    "mesh": (
        _every,
        tuple(f"derivedSection/{about}BrowseModule/meshes/*/term" for about in ("condition", "intervention")),
    ),
    "conditions": (_every, (f"{_P}/conditionsModule/conditions/*",)),
    "interventions": (_every, (f"{_P}/armsInterventionsModule/interventions/*/name",)),
    "sponsor": (_one, (f"{_P}/sponsorCollaboratorsModule/leadSponsor/name",)),
    "start_date": (_date, (f"{_P}/statusModule/startDateStruct/date",)),
    "completion_date": (_date, (f"{_P}/statusModule/completionDateStruct/date",)),
    "last_update": (
        _date,
        (f"{_P}/statusModule/lastUpdatePostDateStruct/date", f"{_P}/statusModule/lastChangedDate"),
    ),
    "enrollment": (_number, (f"{_P}/designModule/enrollmentInfo/count",)),
    "sex": (_one, (f"{_P}/eligibilityModule/sex",)),
    "minimum_age": (_age, (f"{_P}/eligibilityModule/minimumAge",)),
    "maximum_age": (_age, (f"{_P}/eligibilityModule/maximumAge",)),
    "countries": (
        _every,
        (
            f"{_P}/contactsLocationsModule/locations/*/country",
            f"{_P}/contactsLocationsModule/locations_nested/*/country",
            f"{_P}/contactsLocationsModule/locations/*/facility/address/country",
        ),
    ),
}
