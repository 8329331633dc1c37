"""The recorded studies: their bodies as they came, and what the search needs to know of them."""

import gzip
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import orjson
from medkg_contracts.errors import ConfigurationError

#: The form of an id that the real API accepts: any letter case, leading zeros optional.
_NCT_ID = re.compile(r"nct0*([1-9]\d{0,7})", re.IGNORECASE | re.ASCII)
_WORD = re.compile(r"\w+")

#: A search area, as its query parameter names it, and the parts of a study in which it looks.
AREAS: Mapping[str, tuple[str, ...]] = {
    "query.cond": (
        "protocolSection.conditionsModule",
        "protocolSection.identificationModule.briefTitle",
        "protocolSection.identificationModule.officialTitle",
        "derivedSection.conditionBrowseModule.meshes",
        "derivedSection.conditionBrowseModule.ancestors",
    ),
    "query.intr": (
        "protocolSection.armsInterventionsModule.interventions",
        "protocolSection.identificationModule.briefTitle",
        "protocolSection.identificationModule.officialTitle",
        "derivedSection.interventionBrowseModule.meshes",
        "derivedSection.interventionBrowseModule.ancestors",
    ),
    "query.term": ("protocolSection", "derivedSection"),
    "query.id": (
        "protocolSection.identificationModule.nctId",
        "protocolSection.identificationModule.nctIdAliases",
        "protocolSection.identificationModule.orgStudyIdInfo",
        "protocolSection.identificationModule.secondaryIdInfos",
    ),
}


@dataclass(frozen=True, slots=True)
class Study:
    """A recorded study.

    Attributes:
        aliases: earlier ids, which the real API redirects.
        body: the recorded bytes.
        words: the words of each search area.
    """

    nct_id: str
    aliases: tuple[str, ...]
    status: str
    body: bytes
    words: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Recordings:
    """All recorded studies, by rising id."""

    studies: tuple[Study, ...]

    @cached_property
    def by_id(self) -> Mapping[str, Study]:
        """The studies by id."""
        return {study.nct_id: study for study in self.studies}

    @cached_property
    def by_alias(self) -> Mapping[str, Study]:
        """The studies by the ids that they had before."""
        return {alias: study for study in self.studies for alias in study.aliases}


def canonical_id(text: str) -> str | None:
    """The id as ``NCT`` and eight digits, or None when the real API would call its format incorrect."""
    match = _NCT_ID.fullmatch(text)
    return f"NCT{int(match[1]):08}" if match else None


def words(text: str) -> frozenset[str]:
    """The words of a text, without regard to letter case."""
    return frozenset(_WORD.findall(text.casefold()))


def load_recordings(folder: Path) -> Recordings:
    """Read every ``*.jsonl.gz`` of a folder.

    Raises:
        ConfigurationError: there is none, or one is damaged; the message names file and line.
    """
    files = sorted(folder.glob("*.jsonl.gz"))
    if not files:
        raise ConfigurationError(f"MK_REPLAY_RECORDINGS: {folder} has no *.jsonl.gz")
    studies: dict[str, Study] = {}
    for file in files:
        for number, study in enumerate(_read(file), 1):
            if study.nct_id in studies:
                raise ConfigurationError(f"{file}, line {number}: {study.nct_id} is recorded twice")
            studies[study.nct_id] = study
    return Recordings(tuple(studies[nct_id] for nct_id in sorted(studies)))


def _read(file: Path) -> Iterator[Study]:
    number = 0
    try:
        with gzip.open(file) as lines:
            for number, line in enumerate(lines, 1):  # noqa: B007 - named in the message below
                recorded = orjson.loads(line)
                body = recorded["body"].encode()
                if hashlib.sha256(body).hexdigest() != recorded["sha256"]:
                    raise ValueError("the body does not have the recorded digest")
                yield _study(body)
    except (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{file}, line {number}: not a recording: {error!r}") from error


def _study(body: bytes) -> Study:
    record = orjson.loads(body)
    identification = record["protocolSection"]["identificationModule"]
    return Study(
        nct_id=identification["nctId"],
        aliases=tuple(identification.get("nctIdAliases") or ()),
        status=record["protocolSection"]["statusModule"]["overallStatus"],
        body=body,
        words={area: _words_of(record, paths) for area, paths in AREAS.items()},
    )


def _words_of(record: Mapping[str, object], paths: Sequence[str]) -> frozenset[str]:
    return frozenset().union(*(words(text) for path in paths for text in _texts(_at(record, path))))


def _at(record: Mapping[str, object], path: str) -> object:
    part: object = record
    for name in path.split("."):
        part = part.get(name) if isinstance(part, Mapping) else None
    return part


def _texts(part: object) -> Iterator[str]:
    match part:
        case str():
            yield part
        case dict():
            for value in part.values():
                yield from _texts(value)
        case list():
            for value in part:
                yield from _texts(value)
