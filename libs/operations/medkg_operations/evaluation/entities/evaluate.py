"""The whole evaluation: a corpus through the recogniser, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from medkg_recognition import Ingredients, Means
from medkg_recognition.corpora import read_corpus
from medkg_recognition.corpus import Abstract
from medkg_recognition.crossvalidation import marked_categories, tried
from medkg_recognition.scoring import Marked, Score, Verdict, judged, score
from medkg_vocabulary.settings import VocabularySettings

from .report import EntitiesReport, in_order, kind_scores


@dataclass(frozen=True, slots=True)
class Compared:
    """A text with what is marked and what was found in it, of kinds that the corpus marks.

    Attributes:
        verdicts: what became of each that is marked, and of each that was found.
    """

    abstract: Abstract
    gold: list[Marked]
    found: list[Marked]
    verdicts: tuple[list[Verdict], list[Verdict]]


def evaluate_entities(
    settings: VocabularySettings, path: Path, means: Means, told: Callable[[int, int], None]
) -> tuple[EntitiesReport, list[Compared]]:
    """Look for names in a corpus's texts, and compare.

    Args:
        settings: say which vocabularies names are linked to.
        path: a file or folder of annotated texts.
        means: how names are found.
        told: is told how many texts are done, of how many.

    Raises:
        NotFound: there are no texts.
        InvalidInput: they are in no form that is read.
        ConfigurationError: a vocabulary or the model is not there.
    """
    abstracts = read_corpus(path)
    made_of = Ingredients(means, settings.open_vocabularies())
    recogniser = made_of.recogniser()
    categories = marked_categories(abstracts)
    compared, unlabelled = [], []
    for number, abstract in enumerate(abstracts, 1):
        gold, everything = tried(recogniser, abstract)
        found = [each for each in everything if each.category in categories]
        unlabelled += [each.category for each in everything if each.category not in categories]
        compared.append(Compared(abstract, gold, found, judged(gold, found)))
        told(number, len(abstracts))
    kinds = {
        category: sum((score(each.gold, each.found, category) for each in compared), Score()) for category in categories
    }
    report = EntitiesReport(
        name=path.name,
        documents=len(abstracts),
        names=means,
        mentions=sum(len(each.gold) for each in compared),
        kinds={category: kind_scores(its) for category, its in kinds.items()},
        micro=kind_scores(sum(kinds.values(), Score())),
        ignored=in_order(gold.kind for each in abstracts for gold in each.mentions if gold.category is None),
        unlabelled=in_order(unlabelled),
        verdicts=in_order(_verdicts(compared)),
        digests=made_of.digests,
    )
    return report, compared


def _verdicts(compared: list[Compared]) -> list[str]:
    """Of each mention that is marked, and of those that were found where nothing is marked."""
    gold = [verdict for each in compared for verdict in each.verdicts[0]]
    return [*gold, *(verdict for each in compared for verdict in each.verdicts[1] if verdict == "spurious")]
