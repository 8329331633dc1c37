"""Which version of each document counts when the graph is rebuilt, and which documents no job knows."""

from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.artifacts import ArtifactRef
from medkg_graph.restoring import DocumentOrder
from medkg_operations.graph.last_versions import DocumentVersion, LastVersions


def version(document_id: str, order: int, time: int) -> DocumentVersion:
    """A version whose artifacts say which it is."""
    entities, claims = (
        ArtifactRef(name=name, sha256="0" * 64, size=1, value=f"{order}@{time}") for name in ("entities", "claims")
    )
    return DocumentVersion(document_id, order, time, entities, claims)


VERSIONS = st.lists(st.builds(version, st.sampled_from("abc"), st.integers(0, 3), st.integers(1, 3)), max_size=12)


@given(found=VERSIONS, size=st.integers(1, 4))
def test_the_last_version_of_each_document_counts(found: list[DocumentVersion], size: int) -> None:
    """By the order that the index gave it, and of two jobs with one version the later; in the order of their ids."""
    last: dict[str, DocumentVersion] = {}
    for one in sorted(found, key=lambda one: (one.order, one.time)):
        last[one.document_id] = one
    with LastVersions() as versions:
        for one in found:
            versions.take(one)
        pages = list(versions.pages(size))
        count = versions.documents

    assert [last[document_id] for document_id in sorted(last)] == [one for page in pages for one in page]
    assert (len(last), True) == (count, all(len(page) <= size for page in pages))


def test_what_no_job_has_in_hand_is_unknown() -> None:
    """A job that has not come to the graph yet knows its document all the same."""
    held = [DocumentOrder(name, order) for order, name in enumerate("abcd")]
    with LastVersions() as versions:
        versions.hold(held)
        versions.take(version("a", 1, 1))
        versions.know("c")
        unknown = list(versions.unknown(1))
        orders = [versions.order_held("d"), versions.order_held("e")]

    assert [[held[1]], [held[3]]] == unknown
    assert [3, None] == orders
