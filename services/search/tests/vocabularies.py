"""Small vocabularies, compiled."""

from pathlib import Path

from medkg_vocabulary import About, Synonym, Term, Vocabulary, write_vocabulary

DISEASE = "biolink:Disease"
MESH = [
    Term("MESH:D1", "Myocardial Infarction", DISEASE, (Synonym("Heart Attack"), Synonym("Infarction, Heart"))),
    Term("MESH:D2", "ST Elevation Infarction", DISEASE, (Synonym("STEMI"),), parents=("MESH:D1",)),
    Term("MESH:D3", "Heart", "biolink:AnatomicalEntity"),
    Term("MESH:D4", "Acquired Immunodeficiency Syndrome", DISEASE, (Synonym("AIDS"), Synonym("Stroke"))),
    Term("MESH:D5", "Cerebral Stroke", DISEASE, (Synonym("stroke"), Synonym("CVA"))),
    Term("MESH:D6", "Diabetes Mellitus, Type 2", DISEASE, former=("MESH:D0",)),
]
DOID = [Term("DOID:5844", "heart attack", DISEASE, (Synonym("Coronary Thrombosis"), Synonym("heart infarction")))]


def vocabulary(folder: Path, name: str, terms: list[Term]) -> Path:
    """The file of one that has these terms."""
    path = folder / f"{name}.vocabulary"
    write_vocabulary(path, About(name, "1", "CC0-1.0", "made up"), terms)
    return path


def opened(folder: Path) -> tuple[Vocabulary, Vocabulary]:
    """Both."""
    return Vocabulary(vocabulary(folder, "mesh", MESH)), Vocabulary(vocabulary(folder, "doid", DOID))
