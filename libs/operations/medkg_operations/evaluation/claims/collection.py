"""Annotated articles in the layout of Evidence Inference 2.0 (https://evidence-inference.ebm-nlp.com).

``prompts_merged.csv`` has comparisons (intervention, comparator, outcome) of articles, ``v2_annotations.csv`` what
annotators found the articles to report on them, with the place in ``articles/PMC<id>.txt`` that says so.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from medkg_claims import Direction
from medkg_contracts.errors import InvalidInput
from medkg_contracts.ir import Span

PROMPTS: Final = "prompts_merged.csv"
ANNOTATIONS: Final = "v2_annotations.csv"
ARTICLES: Final = "articles"

#: What the data call the directions; one of them in two ways.
_LABELS: Final[Mapping[str, Direction]] = {
    "significantly increased": "significantly increased",
    "significantly increase": "significantly increased",
    "significantly decreased": "significantly decreased",
    "no significant difference": "no significant difference",
}
_TITLE: Final = "TITLE:"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What an article reports on an intervention, its comparator and an outcome.

    Attributes:
        id: of the prompt.
        direction: that most of its annotators say; of several that equally many say, the first annotation's.
        evidence: the places in the article's text that they name.
    """

    id: str
    intervention: str
    comparator: str
    outcome: str
    direction: Direction
    evidence: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Article:
    """An annotated article.

    Attributes:
        id: of PubMed Central, without ``PMC``.
        text: what places count in.
    """

    id: str
    title: str
    text: str
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class Annotated:
    """The collection.

    Attributes:
        articles: that have at least one comparison.
        left_out: annotations and prompts that do not count, by reason.
    """

    name: str
    articles: tuple[Article, ...]
    left_out: Counter[str]

    @property
    def comparisons(self) -> int:
        """How many there are."""
        return sum(len(article.comparisons) for article in self.articles)


def read_annotated(folder: Path) -> Annotated:
    """The articles of the folder with their comparisons.

    Annotations that a second annotator did not find valid do not count, nor do such whose quote does not stand at
    their place; a comparison without any is left out. Each is counted by its reason.

    Raises:
        InvalidInput: a file is missing, has other columns, a label that is none, or nothing in it counts.
    """
    left_out: Counter[str] = Counter()
    labels = _annotations(folder, left_out)
    by_article: defaultdict[str, list[Comparison]] = defaultdict(list)
    for row in _rows(folder / PROMPTS, ("PromptID", "PMCID", "Outcome", "Intervention", "Comparator")):
        said = labels.get(row["PromptID"])
        if not said:
            left_out["comparison_without_annotation"] += 1
            continue
        counts = Counter(direction for direction, _ in said)
        comparison = Comparison(
            row["PromptID"],
            row["Intervention"].strip(),
            row["Comparator"].strip(),
            row["Outcome"].strip(),
            counts.most_common(1)[0][0],
            tuple(sorted({span for _, span in said}, key=lambda span: (span.start, span.end))),
        )
        by_article[row["PMCID"]].append(comparison)
    if not by_article:
        raise InvalidInput(f"{folder} has no comparison with a valid annotation", remedy="Name another folder.")
    articles = (_article(folder, id_, comparisons) for id_, comparisons in sorted(by_article.items()))
    return Annotated(folder.resolve().name, tuple(articles), left_out)


def _annotations(folder: Path, left_out: Counter[str]) -> dict[str, list[tuple[Direction, Span]]]:
    found: defaultdict[str, list[tuple[Direction, Span]]] = defaultdict(list)
    texts: dict[str, str] = {}
    columns = ("PromptID", "PMCID", "Valid Label", "Label", "Annotations", "Evidence Start", "Evidence End")
    for number, row in enumerate(_rows(folder / ANNOTATIONS, columns), 1):
        if row["Valid Label"] != "True":
            left_out["annotation_not_valid"] += 1
            continue
        direction = _LABELS.get(row["Label"].strip())
        if direction is None:
            raise InvalidInput(f"{folder / ANNOTATIONS}, row {number}: the label {row['Label']!r} is none")
        text = texts.setdefault(row["PMCID"], _text(folder, row["PMCID"]))
        start, end = int(row["Evidence Start"]), int(row["Evidence End"])
        if not 0 <= start < end <= len(text) or text[start:end] != row["Annotations"]:
            left_out["annotation_not_at_its_place"] += 1
            continue
        found[row["PromptID"]].append((direction, Span(start=start, end=end)))
    return found


def _article(folder: Path, id_: str, comparisons: list[Comparison]) -> Article:
    text = _text(folder, id_)
    head, _, rest = text.partition(_TITLE)
    title = "" if head.strip() else rest.strip().partition("\n")[0]
    return Article(id_, title, text, tuple(comparisons))


def _text(folder: Path, id_: str) -> str:
    path = folder / ARTICLES / f"PMC{id_}.txt"
    try:
        # As it is: places count carriage returns, too.
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}", remedy="Name a folder that is whole.") from error


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if missing := [name for name in columns if name not in (reader.fieldnames or ())]:
                raise InvalidInput(f"{path} has no column {missing[0]!r}", remedy="Name a folder of this layout.")
            yield from reader
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{path} cannot be read: {error}", remedy="Name a folder of this layout.") from error
