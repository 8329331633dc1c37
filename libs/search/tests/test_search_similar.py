"""What a chunk or a document is compared by."""

from medkg_search.similar import Liked, liked


def record(document: str, text: str, **sparse: float) -> dict[str, object]:
    return {"document_id": document, "document_title": f"About {document}", "text": text, "sparse": sparse}


def test_a_document_is_its_chunks_together():
    """Their texts in their order, each once, and the heaviest weight of each term."""
    given = [record("d", "pain", pain=2.0), record("d", "fever", pain=1.0, fever=3.0), record("d", "pain", pain=2.5)]

    assert Liked("d", "About d", "pain\nfever", {"pain": 2.5, "fever": 3.0}) == liked(given)


def test_of_several_documents_the_first_counts():
    """An acronym may be that of more than one study."""
    assert Liked("a", "About a", "pain", {}) == liked([record("a", "pain"), record("b", "fever", fever=1.0)])


def test_a_record_without_terms_has_none():
    """What no model has read is compared by its words alone."""
    assert {} == liked([{"document_id": "d", "document_title": "t", "text": "pain"}]).sparse
