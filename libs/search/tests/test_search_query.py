"""Names, bodies and cursors: what needs no server."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.errors import InvalidRequest
from medkg_contracts.ir import Chunk, Span
from medkg_search import SearchFilters, TenantNames, chunk_source, feature_name
from medkg_search.cursor import Cursor
from medkg_search.mapping import CHUNKS
from medkg_search.query import search_body, search_digest

TENANTS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)


@pytest.mark.parametrize("tenant", ["", "*", "a,b", "A", "_all", "-a", "a/b", "a\n", "a.b", "a" * 64, "ä", "..", "a*"])
def test_a_name_that_could_reach_another_index_is_refused(tenant: str) -> None:
    """A tenant with a wildcard, list, path or upper case is refused before any request is made."""
    with pytest.raises(InvalidRequest, match="is no tenant id"):
        TenantNames(tenant)


@given(TENANTS, TENANTS | st.sampled_from(["chunks", "a-chunks", "a-chunks-v1", "a-documents", "documents-v1"]))
@settings(max_examples=100, deadline=None)
def test_no_two_tenants_share_a_name(one: str, other: str) -> None:
    """The four names of one tenant and the four of another are eight names."""
    names = {
        name
        for tenant in {one, other}
        for names in [TenantNames(tenant)]
        for name in (names.chunks, names.chunks_index, names.documents, names.documents_index)
    }
    assert len(names) == 4 * len({one, other})


def test_a_tenants_names() -> None:
    """The names are those that the README gives."""
    names = TenantNames("public")
    assert ("medkg-public-chunks", "medkg-public-chunks-v2") == (names.chunks, names.chunks_index)


def test_the_mapping_has_exactly_a_chunks_fields() -> None:
    """Every field of a chunk is mapped and nothing else is, so that a change of one shows up here."""
    chunk = Chunk(
        id="c", document_id="d", document_title="t", source="ctgov", section_id="s", section_type="body",
        section_title="b", ordinal=0, text="x", span=Span(start=0, end=1), token_count=1,
    )  # fmt: skip
    kept_when_there = {"coherence"}
    added_on_writing = {"version", "vectors", "sparse", "date", "status", "phase", "mesh", "named", "entities"}
    assert set(CHUNKS["properties"]) == set(chunk_source(chunk)) | kept_when_there | added_on_writing


@given(st.text(max_size=8), st.text(max_size=8))
@settings(max_examples=100, deadline=None)
def test_no_two_terms_share_a_feature(one: str, other: str) -> None:
    """Each term has a feature of its own, without a dot, which OpenSearch would take for the end of a field's name."""
    assert (one == other) == (feature_name(one) == feature_name(other))
    assert "." not in feature_name(one)


@pytest.mark.parametrize(("query", "size"), [("", 10), (" \n", 10), ("x" * 1001, 10), ("x", 0), ("x", 101)])
def test_a_search_out_of_bounds_is_refused(query: str, size: int) -> None:
    """An empty or long query and a size out of range are invalid requests."""
    with pytest.raises(InvalidRequest):
        search_body(query, SearchFilters(), size, None)


@given(st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=40))
@settings(max_examples=50, deadline=None)
def test_a_cursor_comes_back_as_it_went(score: float, chunk_id: str) -> None:
    """Decoding an encoded cursor gives the cursor."""
    cursor = Cursor(search="s", score=score, chunk_id=chunk_id)
    assert cursor == Cursor.decode(cursor.encode(), "s")


@given(st.text(max_size=80))
@settings(max_examples=100, deadline=None)
def test_any_other_text_is_no_cursor(text: str) -> None:
    """A text that no search gave is an invalid request, never another error."""
    with pytest.raises(InvalidRequest):
        Cursor.decode(text, "s")


def test_a_cursor_belongs_to_its_search() -> None:
    """A cursor of another tenant, query or filter is refused."""
    digests = {
        search_digest("a", "q", SearchFilters()),
        search_digest("b", "q", SearchFilters()),
        search_digest("a", "p", SearchFilters()),
        search_digest("a", "q", SearchFilters(source=("ctgov",))),
    }
    assert 4 == len(digests)
    text = Cursor(search=digests.pop(), score=1.0, chunk_id="c").encode()
    with pytest.raises(InvalidRequest, match="another tenant, query or filter"):
        Cursor.decode(text, digests.pop())
