"""Reads a record's modules into sections: the known ones as declared, all others generically."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from medkg_contracts.ir import Provenance, Section, SectionType
from pydantic import JsonValue

from medkg_parse.fields import Fields
from medkg_parse.generic import inline, label
from medkg_parse.writing import SectionWriter

from .payload import Record
from .sections import SECTIONS, SectionSpec

#: The longest title of a document or a section.
MAX_TITLE = 600
#: The longest id of a section that is made of a module's name.
MAX_SLUG = 60

_KNOWN = frozenset(spec.module for spec in SECTIONS)
_NOT_A_SLUG = re.compile(r"[^a-z0-9]+")


class SectionReader:
    """Writes the sections in the order of `SECTIONS`, then those of modules that nobody knows."""

    def __init__(self, record: Record, provenance: Provenance) -> None:
        self._record = record
        self._provenance = provenance
        self._used: Counter[str] = Counter()

    def sections(self) -> Iterator[Section]:
        """All sections that have text."""
        modules: dict[str, Fields] = {}
        for spec in SECTIONS:
            value = self._module(spec.module)
            if isinstance(value, dict):
                yield from self._known(spec, modules.setdefault(spec.module, Fields(value)))
        yield from self._unknown()

    def _module(self, path: str) -> JsonValue:
        section, module = path.split("/")
        modules = self._record.content.get(section)
        return modules.get(module) if isinstance(modules, dict) else None

    def _known(self, spec: SectionSpec, fields: Fields) -> Iterator[Section]:
        out = SectionWriter()
        if spec.each is None:
            spec.write(fields, out)
        else:
            yield from self._items(spec, spec.each, fields)
        if spec.rest:
            out.values(fields.rest())
        yield from self._section(spec.id, spec.type, spec.title, out, self._record.pointer(spec.module))

    def _items(self, spec: SectionSpec, name: str, fields: Fields) -> Iterator[Section]:
        """A section for each object of a list; a list of anything else stays open."""
        for number, item in enumerate(fields.objects(name)):
            of_item, out = Fields(item), SectionWriter()
            heading = " ".join(inline(item.get("title")).split())
            spec.write(of_item, out)
            out.values(of_item.rest())
            title = f"{spec.title}: {heading}" if heading else f"{spec.title} {number + 1}"
            pointer = self._record.pointer(spec.module, name, number)
            yield from self._section(f"{spec.id}-{number + 1}", spec.type, title, out, pointer)

    def _unknown(self) -> Iterator[Section]:
        """A section for each object that nobody knows, and one for the plain fields beside such objects."""
        beside: dict[str, JsonValue] = {}
        for name, value in self._record.content.items():
            if isinstance(value, dict):
                yield from self._unknown_modules(name, value)
            elif not (name == "hasResults" and isinstance(value, bool)):
                beside[name] = value
        yield from self._other("Further fields", beside, "")

    def _unknown_modules(self, section: str, modules: Mapping[str, JsonValue]) -> Iterator[Section]:
        beside: dict[str, JsonValue] = {}
        for name, value in modules.items():
            module = f"{section}/{name}"
            if not isinstance(value, dict):
                beside[name] = value
            elif module not in _KNOWN:
                yield from self._other(label(name), value, self._record.pointer(module))
        yield from self._other(label(section), beside, self._record.pointer(section))

    def _other(self, title: str, values: Mapping[str, JsonValue], pointer: str) -> Iterator[Section]:
        out = SectionWriter()
        out.values(values)
        slug = _NOT_A_SLUG.sub("_", title.lower()).strip("_")[:MAX_SLUG]
        yield from self._section(f"other-{slug}" if slug else "other", "other", title, out, pointer)

    def _section(self, id_: str, type_: SectionType, title: str, out: SectionWriter, pointer: str) -> Iterator[Section]:
        """The section, when something was written; its id is made unique."""
        if not out.text:
            return
        self._used[id_] += 1
        unique = id_ if self._used[id_] == 1 else f"{id_}~{self._used[id_]}"
        provenance = self._provenance.model_copy(update={"path": pointer})
        yield Section(
            id=unique, type=type_, title=title[:MAX_TITLE], text=out.text, tables=out.tables, provenance=provenance
        )
