"""The evaluation of names: numbers, and a page that shows what they are made of."""

from html.parser import HTMLParser

import pytest
from medkg_operations.evaluation.entities.evaluate import Compared, evaluate_entities
from medkg_operations.evaluation.entities.page import page
from medkg_operations.evaluation.entities.report import EntitiesReport
from medkg_vocabulary import About, Synonym, Term, write_vocabulary
from medkg_vocabulary.settings import VocabularySettings

CORPUS = """\
1|t|Asthma <b>is</b> bad
1|a|Low back pain and aspirin. BRCA1 and fever.
1	0	6	Asthma	Disease	D001249
1	21	34	Low back pain	Disease	D017116
1	39	46	aspirin	Disease	D001241
1	48	53	BRCA1	Gene	672
"""


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[EntitiesReport, list[Compared]]:
    """A small corpus, and a dictionary that finds most of it."""
    folder = tmp_path_factory.mktemp("names")
    terms = [
        Term("MESH:D001249", "Asthma", "biolink:Disease"),
        Term("MESH:D010146", "Pain", "biolink:Disease", (Synonym("Back pain"),)),
        Term("MESH:D005334", "Fever", "biolink:Disease"),
        Term("MESH:D001241", "Aspirin", "biolink:ChemicalEntity"),
    ]
    write_vocabulary(folder / "a.vocabulary", About("small", "1", "CC0-1.0", "a test"), terms)
    (folder / "corpus.txt").write_text(CORPUS)
    settings = VocabularySettings(vocabularies=str(folder / "a.vocabulary"))
    told: list[tuple[int, int]] = []
    report, compared = evaluate_entities(settings, folder / "corpus.txt", "dictionary", lambda *done: told.append(done))

    assert [(1, 1)] == told
    return report, compared


def test_a_report_has_all_measures(evaluated: tuple[EntitiesReport, list[Compared]]) -> None:
    """Of each kind that the corpus marks, and of all; what is marked and not looked for is told, and so is the rest."""
    report, _ = evaluated
    strict, relaxed, normalised = report.micro.strict, report.micro.relaxed, report.micro.normalised

    assert (1, 3, ["biolink:Disease"]) == (report.documents, report.mentions, list(report.kinds))
    assert [(1, 2, 2), (2, 1, 1), (1, 2, 2)] == [
        (each.right, each.spurious, each.missed) for each in (strict, relaxed, normalised)
    ]
    assert ({"Gene": 1}, {"biolink:ChemicalEntity": 1}) == (report.ignored, report.unlabelled)
    assert {"boundary": 1, "missed": 1, "right": 1, "spurious": 1} == report.verdicts
    assert ["small"] == list(report.digests)


class Marks(HTMLParser):
    """The marks of a page, with the text in them, and the names of its elements."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[tuple[str, str]] = []
        self.elements: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A mark begins, or another element."""
        self.elements.add(tag)
        if tag == "mark":
            self.marks.append((dict(attrs)["class"] or "", ""))

    def handle_data(self, data: str) -> None:
        """The first text in a mark is what it marks."""
        if self.marks and not self.marks[-1][1]:
            self.marks[-1] = (self.marks[-1][0], data)


def test_a_page_shows_both_sides(evaluated: tuple[EntitiesReport, list[Compared]]) -> None:
    """Each mention with what became of it; texts are escaped, nothing is fetched, and no script runs."""
    shown = page(*evaluated)
    read = Marks()
    read.feed(shown)

    assert [
        ("right", "Asthma"), ("boundary", "Low back pain"), ("missed", "aspirin"),
        ("right", "Asthma"), ("boundary", "back pain"), ("spurious", "fever"),
    ] == [mark for mark in read.marks if mark[1][0].isalpha()][6:]  # fmt: skip
    assert "&lt;b&gt;is&lt;/b&gt;" in shown
    assert not {"script", "link", "img"} & read.elements
    assert "default-src 'none'" in shown
