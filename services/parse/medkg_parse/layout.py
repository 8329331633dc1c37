"""How a module's fields are laid out: the parts that `sections` declares its sections with."""

from dataclasses import dataclass
from typing import Protocol

from .fields import Fields
from .generic import clean, label, objects_in, with_details
from .writing import SectionWriter


class Part(Protocol):
    """Something that takes fields and writes them."""

    def __call__(self, fields: Fields, out: SectionWriter) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Text:
    """A field that is running text, written as it is."""

    name: str

    def __call__(self, fields: Fields, out: SectionWriter) -> None:
        """Writes the field's paragraphs."""
        out.paragraph(fields.text(self.name))


@dataclass(frozen=True, slots=True)
class Lines:
    """Fields of any type, each written under its name, in this order."""

    names: tuple[str, ...]

    def __call__(self, fields: Fields, out: SectionWriter) -> None:
        """Writes the fields that are there."""
        for name in self.names:
            out.value(label(name), fields.take(name))


@dataclass(frozen=True, slots=True)
class Pair:
    """An object with one field that counts and others that qualify it: ``2015-04 (type: ACTUAL)``."""

    name: str
    main: str

    def __call__(self, fields: Fields, out: SectionWriter) -> None:
        """Writes the object as one line; leaves it open when its main field is not plain."""
        value = fields.peek(self.name)
        if isinstance(value, dict) and isinstance(main := value.get(self.main), str | int):
            fields.take(self.name)
            details = {name: item for name, item in value.items() if name != self.main}
            out.line(label(self.name), with_details(clean(str(main)), details))


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of objects, written as a table with these fields at the left."""

    name: str
    caption: str
    first: tuple[str, ...]

    def __call__(self, fields: Fields, out: SectionWriter) -> None:
        """Writes the table; leaves the field open when it is not a list of objects."""
        objects = objects_in(fields.peek(self.name))
        if objects is not None:
            fields.take(self.name)
            out.records(self.caption, objects, self.first)


@dataclass(frozen=True, slots=True)
class Layout:
    """Parts, one after the other."""

    parts: tuple[Part, ...]

    def __call__(self, fields: Fields, out: SectionWriter) -> None:
        """Writes all parts."""
        for part in self.parts:
            part(fields, out)


def lines(*names: str) -> Lines:
    """`Lines` of these fields."""
    return Lines(names)


def rows(name: str, caption: str, *first: str) -> Rows:
    """`Rows` of this field."""
    return Rows(name, caption, first)


def layout(*parts: Part) -> Layout:
    """A `Layout` of these parts."""
    return Layout(parts)
