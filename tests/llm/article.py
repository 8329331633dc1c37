"""An annotated article as the extract stage is given it."""

from pathlib import Path
from typing import Final

from medkg_contracts.ir import Chunk, Document, Provenance, Section
from medkg_operations.evaluation.claims.collection import Article, read_annotated
from medkg_operations.evaluation.claims.passages import passages

FOLDER: Final = Path(__file__).parents[2] / "libs" / "operations" / "tests" / "evidence-inference"


def article() -> Article:
    """The trial of valerian for insomnia (PMC2002515)."""
    (only,) = read_annotated(FOLDER).articles
    return only


def given(article: Article) -> tuple[Document, list[Chunk]]:
    """The article as a document of one section, and its chunks."""
    provenance = Provenance(source="pmc", source_id=f"PMC{article.id}", uri=f"pmc:{article.id}", sha256="0" * 64)
    section = Section(id="article", type="body", title="", text=article.text, provenance=provenance)
    document = Document(
        id=f"pmc:PMC{article.id}", source="pmc", title=article.title, sections=[section], provenance=provenance
    )
    return document, [chunk.model_copy(update={"section_id": "article"}) for chunk in passages(article)]
