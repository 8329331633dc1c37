"""Training the tagger: abstracts that people have marked in, a model out; the same abstracts make the same model."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pycrfsuite

from .abbreviations import short_forms
from .keys import Key, key
from .lexicon import Lexicon
from .pubtator import Abstract, Gold
from .tagger import CATEGORIES, prepared
from .tokens import Token

#: L-BFGS with both regularisations; found by cross-validation on the training sets.
PARAMETERS: Final[Mapping[str, Any]] = {
    "c1": 0.05,
    "c2": 0.02,
    "max_iterations": 80,
    "feature.possible_transitions": True,
}

#: What corpora call diseases: NCBI's tells classes, modifiers and composites of them.
_DISEASES: Final = frozenset({"Disease", "DiseaseClass", "SpecificDisease", "Modifier", "CompositeMention"})


def kind_of(gold: Gold) -> str | None:
    """The tagger's label for what a corpus marks; None for what it does not learn."""
    if gold.kind in _DISEASES:
        return "Disease"
    return gold.kind if gold.kind in CATEGORIES else None


def train(abstracts: Iterable[Abstract], lexicon: Lexicon, model: Path) -> None:
    """Train a model and write it."""
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.set_params(dict(PARAMETERS))
    for abstract in abstracts:
        for words, its in prepared(abstract.text, short_forms(abstract.text), lexicon):
            trainer.append(its, labels(words, abstract.mentions))
    trainer.train(str(model))


def labels(words: Sequence[Token], gold: Iterable[Gold]) -> list[str]:
    """What the model has to learn of a sentence; of mentions within one another the longest."""
    made = ["O"] * len(words)
    for mention in sorted(gold, key=lambda each: each.end - each.start):
        kind = kind_of(mention)
        inside = [i for i, word in enumerate(words) if mention.start <= word.start and word.end <= mention.end]
        if kind is not None and inside:
            made[inside[0]] = f"B-{kind}"
            for i in inside[1:]:
                made[i] = f"I-{kind}"
    return made


def learned(abstracts: Iterable[Abstract]) -> dict[tuple[str, Key], str]:
    """What people have linked each name to most often."""
    meant: dict[tuple[str, Key], Counter[str]] = defaultdict(Counter)
    for abstract in abstracts:
        for mention in abstract.mentions:
            if (kind := kind_of(mention)) is not None and len(mention.ids) == 1:
                meant[CATEGORIES[kind], key(mention.text)][mention.ids[0]] += 1
    return {name: min(ids, key=lambda id_: (-ids[id_], id_)) for name, ids in sorted(meant.items())}
