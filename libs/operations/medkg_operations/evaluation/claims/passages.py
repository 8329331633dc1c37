"""An annotated article as chunks, which a model reads one by one."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from math import log
from typing import Final

from medkg_contracts.ir import Chunk, SectionType, Span

from .collection import Article, Comparison
from .scores import words

#: A heading of the articles' text form, such as ``ABSTRACT.RESULTS:`` or ``BODY.METHODS.PATIENTS:``, alone on its line.
_HEADING: Final = re.compile(r"^([A-Z][^\n]{0,200}):[ \t]*$", re.MULTILINE)
_PARAGRAPH: Final = re.compile(r"\S(?:.*?\S)??(?=\s*\n\s*\n|\s*\Z)", re.DOTALL)
#: Paragraphs go together up to so many characters; a longer one is cut at the ends of sentences.
LENGTH: Final = 1800
#: With such words results are told.
_TOLD: Final = words("significant significantly difference differences p higher lower compared")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z(])")


def passages(article: Article) -> list[Chunk]:
    """The article's chunks: paragraphs of one section, up to `LENGTH` characters together."""
    spans = [
        (heading, span) for heading, start, end in _sections(article.text) for span in _packed(article, start, end)
    ]
    return [_chunk(article, number, heading, span) for number, (heading, span) in enumerate(spans)]


def nearest(comparison: Comparison, chunks: Sequence[Chunk], most: int) -> list[Chunk]:
    """Of the chunks those that are likeliest to report on the comparison, in the article's order.

    They have most of its words, of which those of the outcome count twice, and rare ones more than frequent ones; and
    words that results are told with.
    """
    texts = [words(chunk.text) for chunk in chunks]
    frequency = Counter(word for text in texts for word in text)
    compared, outcome = words(f"{comparison.intervention} {comparison.comparator}"), words(comparison.outcome)

    def weight(shared: frozenset[str]) -> float:
        return sum(log(1 + len(chunks) / frequency[word]) for word in sorted(shared))

    scores = [weight((compared | outcome) & text) + weight(outcome & text) + len(_TOLD & text) for text in texts]
    best = sorted(range(len(chunks)), key=lambda number: (-scores[number], number))[:most]
    return [chunks[number] for number in sorted(best)]


def _sections(text: str) -> Iterator[tuple[str, int, int]]:
    headings = list(_HEADING.finditer(text))
    ends = [*(heading.start() for heading in headings), len(text)]
    if ends[0]:
        yield "", 0, ends[0]
    for heading, end in zip(headings, ends[1:], strict=True):
        yield heading[1], heading.end(), end


def _packed(article: Article, start: int, end: int) -> Iterator[Span]:
    """Paragraphs together, as long as they are not too long together."""
    first = last = None
    for piece_start, piece_end in _pieces(article.text, start, end):
        if first is not None and last is not None and piece_end - first > LENGTH:
            yield Span(start=first, end=last)
            first = None
        first, last = piece_start if first is None else first, piece_end
    if first is not None and last is not None:
        yield Span(start=first, end=last)


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Paragraphs, and of one that is too long its sentences."""
    for paragraph in _PARAGRAPH.finditer(text, start, end):
        breaks = _SENTENCE.finditer(text, *paragraph.span()) if len(paragraph[0]) > LENGTH else ()
        begins = paragraph.start()
        for each in breaks:
            yield begins, each.start()
            begins = each.end()
        yield begins, paragraph.end()


def _chunk(article: Article, number: int, heading: str, span: Span) -> Chunk:
    text = article.text[span.start : span.end]
    return Chunk(
        id=f"{article.id}-{number}",
        document_id=f"pmc:PMC{article.id}",
        document_title=article.title,
        source="pmc",
        section_id=heading,
        section_type=_kind(heading),
        section_title=heading,
        ordinal=number,
        text=text,
        span=span,
        token_count=len(text.split()),
    )


def _kind(heading: str) -> SectionType:
    # Behind the title stands the abstract, where it has no heading of its own.
    return "abstract" if heading.partition(".")[0].casefold() in ("", "title", "abstract") else "body"
