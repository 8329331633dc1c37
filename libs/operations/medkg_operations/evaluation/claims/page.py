"""A page on which one sees what was annotated and what was found, side by side; it needs nothing from elsewhere."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final

from medkg_contracts.ir import Span

from .collection import Comparison
from .findings import Answered, Findings
from .report import ClaimsReport
from .scores import Found, Pair, pairs

#: So many characters around a marked place are shown.
AROUND: Final = 200

_STYLE: Final = """
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { max-width: 78rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-top: 1px solid #8884; padding: .35rem .6rem; text-align: left; vertical-align: top; width: 50%; }
.numbers td, .numbers th { width: auto; }
details { margin: 1rem 0; }
summary { cursor: pointer; font-weight: 600; }
.right { border-left: .3rem solid #2a9d4a; } .wrong { border-left: .3rem solid #d1582e; }
.missed, .extra { border-left: .3rem solid #8886; }
mark.gold { background: #f5d76e; color: #000; } mark.found { background: #8fc7f5; color: #000; }
small, .none { opacity: .7; } p.text { white-space: pre-wrap; margin: .2rem 0; }
"""


def page(report: ClaimsReport, findings: Sequence[Findings]) -> str:
    """The page, as HTML: the numbers, and article by article what agrees, what differs, and where it stands."""
    articles = "\n".join(_article(each, report.threshold) for each in findings)
    name = escape(report.name)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Claims: {name}</title>'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{_STYLE}</style></head><body>\n<h1>Claims: {name}</h1>\n"
        f'<table class="numbers">{_numbers(report)}</table>\n'
        '<p>Annotated on the left, found on the right. <mark class="gold">Evidence that annotators name</mark>, '
        f'<mark class="found">evidence that was found</mark>.</p>\n{articles}\n</body></html>\n'
    )


def _numbers(report: ClaimsReport) -> str:
    said: dict[str, object] = {"articles": report.articles, "annotated comparisons": report.comparisons}
    said |= {"model": report.model} if report.model else {}
    for title, scores in (("claims", report.triples), ("given comparisons", report.direction)):
        if scores is not None:
            said |= {f"{title}: {name.replace('_', ' ')}": value for name, value in scores.model_dump().items()}
    said |= {f"dropped: {name.replace('_', ' ')}": count for name, count in report.dropped.items()}
    shown = ((name, f"{value:.4f}" if isinstance(value, float) else value) for name, value in said.items())
    return "".join(f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in shown)


def _article(findings: Findings, threshold: float) -> str:
    article, found, parts, told = findings.article, findings.found or [], [], []
    if findings.found is not None:
        paired = pairs(article.comparisons, found, threshold)
        told.append(f"{sum(pair.agrees for pair in paired)} of {len(article.comparisons)} found in {len(found)} claims")
        parts.append(_table("Claims", _claim_rows(article.comparisons, found, paired)))
    if findings.answered:
        right = [each.direction == gold.direction for gold, each in _answers(findings)]
        told.append(f"{sum(right)} of {len(right)} directions")
        parts.append(_table("Given comparisons", _answer_rows(findings)))
    answers = [answered.found for answered in findings.answered if answered.found]
    parts.append(_table("Text", _text_rows(findings, [*found, *answers])))
    about = f"{escape(article.title)} <small>{'; '.join(told)}</small>"
    return f"<details><summary>PMC{escape(article.id)} {about}</summary>{''.join(parts)}</details>"


def _answers(findings: Findings) -> list[tuple[Comparison, Answered]]:
    return list(zip(findings.article.comparisons, findings.answered, strict=True))


def _table(title: str, rows: Iterable[str]) -> str:
    return f"<h3>{title}</h3><table><tr><th>annotated</th><th>found</th></tr>{''.join(rows)}</table>"


def _claim_rows(comparisons: Sequence[Comparison], found: Sequence[Found], paired: Sequence[Pair]) -> Iterator[str]:
    by_comparison = {pair.comparison: pair for pair in paired}
    for number, comparison in enumerate(comparisons):
        pair = by_comparison.get(number)
        kind = "missed" if pair is None else "right" if pair.agrees else "wrong"
        yield _row(kind, _said(comparison), _said(found[pair.found]) if pair else _none("not found"))
    taken = {pair.found for pair in paired}
    for number, claim in enumerate(found):
        if number not in taken:
            yield _row("extra", _none("not annotated"), _said(claim))


def _answer_rows(findings: Findings) -> Iterator[str]:
    for comparison, answered in _answers(findings):
        kind = "right" if answered.direction == comparison.direction else "wrong"
        quote = f"<br>{_quote(answered.found.quote)}" if answered.found else ""
        yield _row(kind, _said(comparison), escape(answered.direction or "no answer") + quote)


def _row(kind: str, annotated: str, found: str) -> str:
    return f'<tr class="{kind}"><td>{annotated}</td><td>{found}</td></tr>'


def _said(claim: Comparison | Found) -> str:
    compared = f"{escape(claim.intervention)} <small>against</small> {escape(claim.comparator) or _none('nothing')}"
    quote = f"<br>{_quote(claim.quote)}" if isinstance(claim, Found) else ""
    return f"{compared}: <b>{escape(claim.outcome)}</b> {escape(claim.direction)}{quote}"


def _quote(quote: str) -> str:
    return f"<small>“{escape(quote)}”</small>" if quote else _none("the quote does not stand in the text")


def _none(text: str) -> str:
    return f'<span class="none">{text}</span>'


def _text_rows(findings: Findings, found: Sequence[Found]) -> Iterator[str]:
    """The parts of the text that have marks, once with the annotated places and once with the found ones."""
    text = findings.article.text
    gold = [place for comparison in findings.article.comparisons for place in comparison.evidence]
    theirs = [span for claim in found if (span := _place(claim, text)) is not None]
    for part in _joined(
        Span(start=max(0, s.start - AROUND), end=min(len(text), s.end + AROUND)) for s in (*gold, *theirs)
    ):
        yield _row("text", _marked(text, part, gold, "gold"), _marked(text, part, theirs, "found"))


def _place(claim: Found, text: str) -> Span | None:
    if claim.span is not None:
        return claim.span
    start = text.find(claim.quote) if claim.quote else -1
    return Span(start=start, end=start + len(claim.quote)) if start >= 0 else None


def _around(place: Span, text: str) -> Span:
    return Span(start=max(0, place.start - AROUND), end=min(len(text), place.end + AROUND))


def _joined(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that overlap as one."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda each: (each.start, each.end)):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(start=joined[-1].start, end=max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def _marked(text: str, part: Span, places: Sequence[Span], kind: str) -> str:
    shown, position = [], part.start
    for place in _joined(place for place in places if place.start < part.end and part.start < place.end):
        shown += [escape(text[position : place.start]), f'<mark class="{kind}">']
        shown += [escape(text[place.start : place.end]), "</mark>"]
        position = place.end
    return f'<p class="text">{"".join(shown)}{escape(text[position : part.end])}</p>'
