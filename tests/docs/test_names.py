"""What the page on names says of sentences is what the recogniser that comes with medkg finds in them."""

import re

import pytest
from medkg_recognition import Ingredients, Means, Named, Recogniser
from medkg_vocabulary.settings import VocabularySettings

from .blocks import DOCS

_ROW = re.compile(r"\| (?P<sentence>[A-Z][^|]*) \| (?P<found>[^|]*) \|(?: [^|]* \|)?")


def rows(heading: str) -> list[tuple[str, str]]:
    """The sentences of the tables below a heading, with what is found in them."""
    page = (DOCS / "concepts" / "how-names-are-recognised.md").read_text()
    part = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [(found["sentence"], found["found"]) for line in part.splitlines() if (found := _ROW.fullmatch(line))]


def told(text: str, named: Named) -> str:
    """A mention as the page has it."""
    kind = {"biolink:Disease": "disease", "biolink:ChemicalEntity": "chemical"}[named.found.category]
    marks = [word for word, holds in (("negated", named.negated), ("hedged", named.hedged)) if holds]
    said = (f"**{text[named.found.start : named.found.end]}** ({kind}", named.entity or "no term", *marks)
    return ", ".join(said) + ")"


@pytest.fixture(scope="module", params=["tagger", "dictionary"])
def recogniser(request: pytest.FixtureRequest) -> tuple[Means, Recogniser]:
    """What finds names, with what that is called."""
    means: Means = request.param
    return means, Ingredients(means, VocabularySettings(vocabularies="mesh,doid").open_vocabularies()).recogniser()


def test_the_sentences_of_the_page_have_these_names(recogniser: tuple[Means, Recogniser]) -> None:
    """Each row's sentence, and nothing else in it."""
    means, finds = recogniser
    wanted = rows(f"By the {means}")

    assert len(wanted) >= 3
    assert [found for _, found in wanted] == [
        "; ".join(told(text, named) for named in finds.recognise(text)) or "nothing" for text, _ in wanted
    ]
