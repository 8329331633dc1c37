"""Makes the tagger that comes with medkg: `python -m medkg_recognition.building CORPUS…` (`make tagger`)."""

import argparse
import csv
import hashlib
import sys
from io import StringIO
from pathlib import Path

import orjson
from medkg_contracts.errors import MedkgError
from medkg_vocabulary import Vocabulary, shipped

from .card import card, data_of, readable
from .corpora import read_corpus
from .crossvalidation import Corpora, Dictionaries, Scores, cross_validated
from .features import FORM
from .linking import Learned
from .opening import CARD, FOLDER, MODEL, NAMES, seen_by_tagger
from .scoring import Score
from .tagger import LABELS
from .training import PARAMETERS, learned, train


def main() -> int:
    """Cross-validate on the corpora that the command line names, and train on all of them."""
    parser = argparse.ArgumentParser(prog="python -m medkg_recognition.building", description=__doc__)
    parser.add_argument("corpora", nargs="+", type=Path, help="training sets in PubTator's format")
    parser.add_argument("--folds", type=int, default=5, help="of the cross-validation")
    parser.add_argument("--only-scores", action="store_true", help="write nothing")
    parser.add_argument("--into", type=Path, default=FOLDER, help="the folder of model and card")
    given = parser.parse_args()
    try:
        corpora = {path.name: read_corpus(path) for path in given.corpora}
        opened = tuple(Vocabulary(shipped(name)) for name in ("mesh", "doid"))
        dictionaries = Dictionaries(seen_by_tagger(), opened)
        scores = _scores(corpora, dictionaries, given.folds)
        if not given.only_scores:
            given.into.mkdir(parents=True, exist_ok=True)
            _write(given.into, given.corpora, corpora, dictionaries, scores, given.folds)
    except MedkgError as error:
        print(f"{error} {error.info.remedy}", file=sys.stderr)
        return 1
    return 0


def _scores(corpora: Corpora, dictionaries: Dictionaries, folds: int) -> Scores:
    """All folds' scores together; each fold's are printed."""
    total: Scores = {}
    for number, fold in enumerate(cross_validated(corpora, dictionaries, folds), 1):
        for part, score in fold.items():
            total[part] = total.get(part, Score()) + score
            print(f"fold {number}/{folds} {_line(part, score)}", flush=True)
    for part, score in total.items():
        print(f"all folds {_line(part, score)}")
    return total


def _line(part: tuple[str, str], score: Score) -> str:
    return (
        f"{part[0]} {part[1]}: strict F1 {score.strict.f1:.4f}, relaxed F1 {score.relaxed.f1:.4f}, "
        f"normalised F1 {score.normalised.f1:.4f}"
    )


def _write(
    folder: Path, files: list[Path], corpora: Corpora, dictionaries: Dictionaries, scores: Scores, folds: int
) -> None:
    abstracts = [abstract for each in corpora.values() for abstract in each]
    train(corpora.values(), dictionaries.lexicon, folder / MODEL)
    (folder / NAMES).write_text(table_of(learned(abstracts)), encoding="utf-8")
    made = card(
        data=[data_of(path.name, _sha256(path), corpora[path.name]) for path in files],
        scores=scores,
        folds=folds,
        belongs={
            "model": _sha256(folder / MODEL),
            "names": _sha256(folder / NAMES),
            "features": FORM,
            "dictionary": dictionaries.lexicon.digest,
            "parameters": dict(PARAMETERS),
        },
    )
    (folder / CARD).write_bytes(orjson.dumps(made, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    (folder / "README.md").write_text(readable(made), encoding="utf-8")
    print(f"{folder / MODEL}: {(folder / MODEL).stat().st_size:,} bytes")


def table_of(names: Learned) -> str:
    """Linked names as a table of kind, words and id."""
    table = StringIO()
    rows = csv.writer(table, "excel-tab", lineterminator="\n")
    rows.writerows((LABELS[category], " ".join(words), id_) for (category, words), id_ in sorted(names.items()))
    return table.getvalue()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
