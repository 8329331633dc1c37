"""How good a tagger is on abstracts that it has not seen, trained on others of the same corpora."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from medkg_vocabulary import Vocabulary

from .corpus import Abstract
from .lexicon import Lexicon
from .linking import Linker
from .recogniser import Recogniser
from .scoring import Marked, Score, score
from .tagger import Tagger
from .training import learned, train

Corpora = Mapping[str, Sequence[Abstract]]
#: By corpus and category.
Scores = dict[tuple[str, str], Score]


@dataclass(frozen=True, slots=True)
class Dictionaries:
    """What the tagger's features look at, and what names are linked to."""

    lexicon: Lexicon
    vocabularies: Sequence[Vocabulary]


def cross_validated(corpora: Corpora, given: Dictionaries, folds: int) -> Iterator[Scores]:
    """The scores of each fold: of a model that was trained on the other folds of all corpora together.

    An abstract that two corpora have is never in what a model was trained on that it is tried on.
    """
    shuffled = {name: _shuffled(abstracts) for name, abstracts in corpora.items()}
    for fold in range(folds):
        held = {name: abstracts[fold::folds] for name, abstracts in shuffled.items()}
        hidden = {abstract.id for abstracts in held.values() for abstract in abstracts}
        seen = [[each for each in abstracts if each.id not in hidden] for abstracts in shuffled.values()]
        recogniser = trained(seen, given)
        yield {
            (name, category): result
            for name, abstracts in held.items()
            for category, result in scored(recogniser, abstracts).items()
        }


def trained(corpora: Sequence[Sequence[Abstract]], given: Dictionaries) -> Recogniser:
    """A recogniser with a model that has seen these corpora."""
    with TemporaryDirectory() as folder:
        model = Path(folder) / "tagger.crf"
        train(corpora, given.lexicon, model)
        tagger = Tagger(model, given.lexicon)
    linked = learned(abstract for abstracts in corpora for abstract in abstracts)
    return Recogniser(tagger, given.lexicon, Linker(given.vocabularies, linked))


def scored(recogniser: Recogniser, abstracts: Sequence[Abstract]) -> dict[str, Score]:
    """By category: of those that the abstracts have marked, since others would all be spurious."""
    total = dict.fromkeys(marked_categories(abstracts), Score())
    for abstract in abstracts:
        gold, found = tried(recogniser, abstract)
        for category in total:
            total[category] += score(gold, found, category)
    return total


def marked_categories(abstracts: Iterable[Abstract]) -> list[str]:
    """What the abstracts mark of what is looked for."""
    return sorted({gold.category for each in abstracts for gold in each.mentions if gold.category is not None})


def tried(recogniser: Recogniser, abstract: Abstract) -> tuple[list[Marked], list[Marked]]:
    """What people have marked in an abstract, of what is looked for, and what is found."""
    gold = [
        Marked(each.start, each.end, each.category, frozenset(each.ids))
        for each in abstract.mentions
        if each.category is not None
    ]
    found = [
        Marked(at.start, at.end, at.category, frozenset([named.entity] if named.entity else []))
        for named in recogniser.recognise(abstract.text)
        for at in (named.found,)
    ]
    return gold, found


def _shuffled(abstracts: Sequence[Abstract]) -> list[Abstract]:
    order = sorted(abstracts, key=lambda each: each.id)
    Random(1).shuffle(order)  # noqa: S311 - the same order each time is what is wanted
    return order
