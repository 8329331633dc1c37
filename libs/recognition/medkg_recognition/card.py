"""The model's card: of what data a tagger is, under which licences, how good it is, and what it belongs to. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from .corpus import Abstract
from .crossvalidation import Scores

#: By a file's name: what it is, and on which terms it may be used.
_KNOWN: Final[Mapping[str, tuple[str, str]]] = {
    "CDR_TrainingSet.PubTator.txt": (
        "BC5CDR, training set (BioCreative V, https://doi.org/10.1093/database/baw068)",
        "public; its abstracts are PubMed's",
    ),
    "NCBItrainset_corpus.txt": (
        "NCBI Disease Corpus, training set (https://doi.org/10.1016/j.jbi.2013.12.006)",
        "public domain: a work of the United States government; its abstracts are PubMed's",
    ),
}
_NAMES: Final = {"biolink:Disease": "diseases", "biolink:ChemicalEntity": "chemicals"}


@dataclass(frozen=True, slots=True)
class Data:
    """A file that a model was trained on.

    Attributes:
        sha256: of the file.
    """

    file: str
    what: str
    licence: str
    sha256: str
    abstracts: int
    mentions: int


def data_of(file: str, sha256: str, abstracts: Iterable[Abstract]) -> Data:
    """What a card says of a file."""
    what, licence = _KNOWN.get(file, (file, "not known to medkg: that of whoever has brought it"))
    given = list(abstracts)
    mentions = sum(mention.category is not None for each in given for mention in each.mentions)
    return Data(file, what, licence, sha256, len(given), mentions)


def card(data: Iterable[Data], scores: Scores, folds: int, belongs: Mapping[str, Any]) -> dict[str, Any]:
    """The card as it is kept.

    Args:
        data: that the model was trained on.
        scores: of all folds of the cross-validation together.
        folds: how many there were.
        belongs: the digests of ``model``, ``names`` and ``dictionary``, which its features look at; the form of its
            ``features``; the training's ``parameters``.
    """
    return {
        "data": [asdict(each) for each in data],
        **belongs,
        "folds": folds,
        "scores": [
            {
                "corpus": corpus,
                "category": category,
                **{
                    f"{measure}_{number}": round(getattr(getattr(each, measure), number), 4)
                    for measure in ("strict", "relaxed", "normalised")
                    for number in ("precision", "recall", "f1")
                },
            }
            for (corpus, category), each in sorted(scores.items())
        ],
    }


def readable(card: Mapping[str, Any]) -> str:
    """The card for people, in Markdown."""
    data = "\n".join(
        f"| {each['what']} | {each['abstracts']:,} | {each['mentions']:,} | {each['licence']} | "
        f"`{each['file']}`, SHA-256 `{each['sha256'][:12]}…` |"
        for each in card["data"]
    )
    scores = "\n".join(
        f"| `{each['corpus']}` | {_NAMES.get(each['category'], each['category'])} | {each['strict_precision']:.3f} | "
        f"{each['strict_recall']:.3f} | **{each['strict_f1']:.3f}** | {each['relaxed_f1']:.3f} | "
        f"**{each['normalised_f1']:.3f}** |"
        for each in card["scores"]
    )
    return f"""# The tagger that comes with medkg

A conditional random field that marks names of diseases and chemicals in English biomedical abstracts, word by word, and
`names.tsv`: what people have linked names to in the same abstracts. Both are made by `make tagger`; the same abstracts
and vocabularies make the same files.

## Data

| what | abstracts | mentions | terms of use | file |
|---|---|---|---|---|
{data}

Nothing else was trained on, and no abstract of any corpus's test set.

## How good it is

By {card["folds"]}-fold cross-validation: each abstract was tried with a model, and with linked names, of the others.
Strict: the same stretch and the same kind. Relaxed: one that overlaps. Normalised: which terms each document names.
`make tagger-cv` measures it again.

| corpus | what | strict precision | strict recall | strict F1 | relaxed F1 | normalised F1 |
|---|---|---|---|---|---|---|
{scores}

## What it is for, and what not

It has seen abstracts of PubMed: of drugs and what they do (BC5CDR), and of the genetics of diseases (NCBI). Of other
texts, such as registry entries, notes about patients, or other languages, it knows nothing; it finds neither genes nor
species. What it finds is not meant for decisions about a patient.

## What it belongs to

| | |
|---|---|
| model | SHA-256 `{card["model"]}` |
| linked names | SHA-256 `{card["names"]}` |
| dictionary that its features look at | SHA-256 `{card["dictionary"]}`; with another one it does not open |
| form of features | {card["features"]} |
| training | {", ".join(f"{name} {value}" for name, value in card["parameters"].items())} |
"""
