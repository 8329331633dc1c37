"""Training the tagger: abstracts that people have marked in, a model out; the same abstracts make the same model."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pycrfsuite

from .abbreviations import short_forms
from .corpus import Abstract, Gold
from .keys import Key, key
from .lexicon import Lexicon
from .tagger import LABELS, Tagger, prepared
from .tokens import Token, sentences, tokens

#: L-BFGS with both regularisations; found by cross-validation on the training sets.
PARAMETERS: Final[Mapping[str, Any]] = {
    "c1": 0.05,
    "c2": 0.02,
    "max_iterations": 80,
    "feature.possible_transitions": True,
}


def train(corpora: Iterable[Sequence[Abstract]], lexicon: Lexicon, model: Path) -> None:
    """Train a model on all corpora together, and write it.

    A corpus that does not mark a kind at all would teach that there is nothing of it in its abstracts: what it does not
    mark is marked by a model that was trained on the other corpora.
    """
    given = list(corpora)
    every = frozenset(LABELS)
    whole = [corpus for corpus in given if _marked(corpus) == every]
    others = [corpus for corpus in given if _marked(corpus) < every]
    if whole and others:
        _train([abstract for corpus in whole for abstract in corpus], lexicon, model)
        tagger = Tagger(model, lexicon)
        given = whole + [_completed(corpus, every - _marked(corpus), tagger) for corpus in others]
    _train([abstract for corpus in given for abstract in corpus], lexicon, model)


def _marked(corpus: Iterable[Abstract]) -> frozenset[str]:
    categories = (mention.category for abstract in corpus for mention in abstract.mentions)
    return frozenset(category for category in categories if category is not None)


def _completed(corpus: Iterable[Abstract], missing: Collection[str], tagger: Tagger) -> list[Abstract]:
    """The corpus, with what the tagger finds of kinds that it does not mark."""
    return [replace(each, mentions=(*each.mentions, *_found(each, missing, tagger))) for each in corpus]


def _found(abstract: Abstract, missing: Collection[str], tagger: Tagger) -> Iterator[Gold]:
    text = abstract.text
    for found in tagger.find(text, _words(text), short_forms(text)):
        taken = any(found.start < mention.end and mention.start < found.end for mention in abstract.mentions)
        if found.category in missing and not taken:
            yield Gold(found.start, found.end, text[found.start : found.end], LABELS[found.category], ())


def _train(abstracts: Iterable[Abstract], lexicon: Lexicon, model: Path) -> None:
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.set_params(dict(PARAMETERS))
    for abstract in abstracts:
        for sentence, its in prepared(_words(abstract.text), short_forms(abstract.text), lexicon):
            trainer.append(its, labels(sentence, abstract.mentions))
    trainer.train(str(model))


def _words(text: str) -> list[list[Token]]:
    return [tokens(text, start, end) for start, end in sentences(text)]


def labels(words: Sequence[Token], gold: Iterable[Gold]) -> list[str]:
    """What the model has to learn of a sentence; of mentions within one another the longest."""
    made = ["O"] * len(words)
    for mention in sorted(gold, key=lambda each: each.end - each.start):
        inside = [i for i, word in enumerate(words) if mention.start <= word.start and word.end <= mention.end]
        if mention.category is not None and inside:
            made[inside[0]] = f"B-{LABELS[mention.category]}"
            for i in inside[1:]:
                made[i] = f"I-{LABELS[mention.category]}"
    return made


def learned(abstracts: Iterable[Abstract]) -> dict[tuple[str, Key], str]:
    """What people have linked each name to most often."""
    meant: dict[tuple[str, Key], Counter[str]] = defaultdict(Counter)
    for abstract in abstracts:
        for mention in abstract.mentions:
            words = key(mention.text)
            if mention.category is not None and words and len(mention.ids) == 1:
                meant[mention.category, words][mention.ids[0]] += 1
    return {name: min(ids, key=lambda id_: (-ids[id_], id_)) for name, ids in sorted(meant.items())}
