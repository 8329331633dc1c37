"""Measures how fast names are found in abstracts: ``python -m tests.benchmarks.names FILE…``.

The files are annotated abstracts, in PubTator's or BioC's form; what is annotated does not matter. Reported is
processor time, which others on the machine disturb less than the clock: abstracts a second on one core. A long paper is
made of all of them, to see that one of that length costs no more than its parts.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from time import process_time
from typing import Final

from medkg_recognition import Ingredients, Means, Recogniser
from medkg_recognition.corpora import read_corpus
from medkg_vocabulary.settings import VocabularySettings

from .targets import Verdict

#: Abstracts a second on one core, by how names are found.
MIN_PER_S: Final[dict[Means, float]] = {"tagger": 100.0, "dictionary": 500.0}
#: What a paper of this many characters may cost, as a multiple of what abstracts of the same length cost.
PAPER: Final = 90_000
MAX_PAPER_COST: Final = 2.0


def measured(recogniser: Recogniser, texts: Sequence[str]) -> tuple[float, float]:
    """Texts a second, and what a paper that is made of them costs, as a multiple of them."""
    paper = "\n\n".join(texts)[:PAPER]
    parts, length = [], 0
    for text in texts:
        if length < len(paper):
            parts.append(text)
            length += len(text)
    recogniser.recognise(texts[0])
    whole = _taken(recogniser, texts)
    return len(texts) / whole, _taken(recogniser, [paper]) / _taken(recogniser, parts)


def _taken(recogniser: Recogniser, texts: Sequence[str]) -> float:
    began = process_time()
    for text in texts:
        recogniser.recognise(text)
    return process_time() - began


def main() -> int:
    """Measure both ways of finding names, and hold them against the targets."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.names", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    texts = [abstract.text for file in parser.parse_args().files for abstract in read_corpus(file)]
    vocabularies = VocabularySettings(vocabularies="mesh,doid").open_vocabularies()
    verdicts = []
    for means, target in MIN_PER_S.items():
        per_s, cost = measured(Ingredients(means, vocabularies).recogniser(), texts)
        verdicts += [
            Verdict(f"names by {means}", per_s, target, "abstracts/s", at_least=True),
            Verdict(f"a long paper by {means}", cost, MAX_PAPER_COST, "x its parts", at_least=False),
        ]
    for each in verdicts:
        said = "reached" if each.reached else "NOT REACHED"
        print(f"{each.name:26} {each.measured:8.1f} {each.unit:12} target {each.target:g}: {said}")
    return 0 if all(each.reached for each in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
