"""A page on which one sees what is marked and what was found, side by side; it needs nothing from elsewhere."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import Final

from medkg_recognition.scoring import Marked, Verdict

from .evaluate import Compared
from .report import EntitiesReport, Measure

#: What is shown, with what it is called.
VERDICTS: Final[dict[Verdict, str]] = {
    "missed": "missed",
    "spurious": "spurious",
    "boundary": "another boundary",
    "type": "another kind",
    "wrong_id": "another term",
    "right": "right",
}
#: Each with a colour; one that is not wanted is hidden by its box, without any script.
_COLOURS: Final = {
    "missed": "#f4a6a0", "spurious": "#f5c98e", "boundary": "#f5e58e", "type": "#c9b6f2", "wrong_id": "#9fd3f0",
    "right": "#b7e3b0",
}  # fmt: skip
_STYLE: Final = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 82rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } .texts { width: 100%; table-layout: fixed; }
th, td { border-top: 1px solid #8884; padding: .35rem .6rem; text-align: left; vertical-align: top; }
td.text { white-space: pre-wrap; overflow-wrap: anywhere; }
mark { color: #000; border-radius: .2rem; padding: 0 .1rem; } mark small { opacity: .75; }
label { margin-right: 1rem; }
"""


def page(report: EntitiesReport, compared: Sequence[Compared]) -> str:
    """The page, as HTML: the numbers, boxes to choose what is shown, and each text with marks on both sides."""
    name = escape(report.name)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Names: {name}</title>'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{_STYLE}{''.join(_rules())}</style></head><body>\n<h1>Names: {name}</h1>\n"
        f"<p>{report.documents:,} texts, {report.mentions:,} marked mentions, looked for by {escape(report.names)}.</p>"
        f"<table>{''.join(_numbers(report))}</table>\n<p>{''.join(_boxes(report))}</p>\n"
        f'<table class="texts"><tr><th>marked</th><th>found</th></tr>\n{"".join(map(_rows, compared))}</table>'
        "\n</body></html>\n"
    )


def _rules() -> Iterator[str]:
    for verdict, colour in _COLOURS.items():
        yield f"mark.{verdict} {{ background: {colour}; }}\n"
        hidden = f"body:has(#show-{verdict}:not(:checked)) mark.{verdict}"
        yield f"{hidden} {{ background: none; color: inherit; }} {hidden} small {{ display: none; }}\n"
    # A text is shown while it has a mark of a kind that is chosen.
    shown = ", ".join(f"body:has(#show-{verdict}:checked) tr.text:has(mark.{verdict})" for verdict in _COLOURS)
    yield f"tr.text {{ display: none; }}\n{shown} {{ display: table-row; }}\n"


def _numbers(report: EntitiesReport) -> Iterator[str]:
    yield "<tr><th></th><th>strict F1</th><th>relaxed F1</th><th>normalised F1</th></tr>"
    for name, each in (*report.kinds.items(), ("all", report.micro)):
        yield f"<tr><th>{escape(name)}</th>{_number(each.strict)}{_number(each.relaxed)}{_number(each.normalised)}</tr>"


def _number(measure: Measure) -> str:
    return f"<td>{measure.f1:.4f} <small>P {measure.precision:.3f} R {measure.recall:.3f}</small></td>"


def _boxes(report: EntitiesReport) -> Iterator[str]:
    for verdict, title in VERDICTS.items():
        checked = "" if verdict == "right" else " checked"
        count = report.verdicts.get(verdict, 0)
        yield (
            f'<label><input type="checkbox" id="show-{verdict}"{checked}> <mark class="{verdict}">{title}</mark> '
            f"{count:,}</label>"
        )


def _rows(compared: Compared) -> str:
    text, (of_gold, of_found) = compared.abstract.text, compared.verdicts
    gold, found = _marked(text, compared.gold, of_gold), _marked(text, compared.found, of_found)
    return (
        f'<tr class="text"><td class="text"><b>{escape(compared.abstract.id)}</b>\n{gold}</td>'
        f'<td class="text">{found}</td></tr>\n'
    )


def _marked(text: str, mentions: Sequence[Marked], verdicts: Sequence[Verdict]) -> str:
    """The text with its marks; one within another is marked inside it."""
    edges = sorted({0, len(text), *(each.start for each in mentions), *(each.end for each in mentions)})
    order = sorted(zip(mentions, verdicts, strict=True), key=lambda each: (each[0].start, -each[0].end))
    shown = []
    for low, high in pairwise(edges):
        around = [(each, verdict) for each, verdict in order if each.start <= low and high <= each.end]
        piece = escape(text[low:high])
        for each, verdict in reversed(around):
            about = f"<small> {escape(_about(each))}</small>" if high == each.end else ""
            piece = f'<mark class="{verdict}">{piece}{about}</mark>'
        shown.append(piece)
    return "".join(shown)


def _about(mention: Marked) -> str:
    ids = " ".join(sorted(mention.ids)) or "no term"
    return f"{mention.category.removeprefix('biolink:')} {ids}"
