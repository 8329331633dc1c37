"""What a view shows of the changes that it has taken over."""

import re
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.changelog import VectorChange, VectorDeleted, VectorPut
from medkg_vectorview import Hit, Sizes, VectorView

from .changelog import (
    MODEL,
    OTHER,
    TENANT,
    Expected,
    as_records,
    changes_of,
    compacted,
    deleted,
    key,
    live,
    put,
    record_id,
    removed,
    visible,
)
from .histories import DOCUMENTS, batches, histories

QUERY = np.array([[1, 0, 0, 0]], np.float32)


def shown(view: VectorView) -> tuple[object, ...]:
    """All that can be seen of a view."""
    hits = view.search(TENANT, MODEL, QUERY, 5)[0]
    return view.visible_records(TENANT, MODEL), [(hit.record_id, round(hit.score, 5)) for hit in hits]


@given(histories(), st.data())
def test_what_is_seen_is_what_a_dictionary_says(changes: list[VectorChange], draw: st.DataObject) -> None:
    """After any changes, in batches cut anywhere, what is visible and what is nearest is as a dictionary has it."""
    view, expected = VectorView(), Expected()
    for batch in batches(draw, changes):
        view.apply(batch)
        for change in batch:
            expected.apply(change)

        assert (expected.records(), expected.nearest(QUERY[0], 5)) == shown(view)
        assert {name: said.version for name, said in expected.documents.items()} == view.visible_versions(
            TENANT, DOCUMENTS
        )


@given(histories(), st.data())
def test_compaction_changes_nothing(changes: list[VectorChange], draw: st.DataObject) -> None:
    """Of a topic that was compacted anywhere, its tombstones dropped or not, the same is seen."""
    expected = Expected()
    for change in changes:
        expected.apply(change)
    records = as_records(changes)
    cut = draw.draw(st.integers(0, len(records)))
    left = compacted(records[:cut], tombstones=draw.draw(st.booleans())) + records[cut:]
    view = VectorView()
    for batch in batches(draw, changes_of(left)):
        view.apply(batch)

    assert (expected.records(), expected.nearest(QUERY[0], 5)) == shown(view)


def test_many_documents_come_and_go() -> None:
    """After thousands of changes, with rows and names used again many times, a dictionary says the same."""
    random = Random(0)  # noqa: S311 - no secret
    view, expected = VectorView(), Expected()
    for order in range(150):
        changes: list[VectorChange] = []
        for _ in range(20):
            document, chunk = f"document-{random.randrange(30)}", random.randrange(3)
            version = f"{document}-{random.randrange(3)}"
            kinds = [
                put(document, version, chunk, [random.random() for _ in range(4)]),
                deleted(document, version, chunk),
                visible(document, version, order),
                *([removed(document)] if random.random() < 0.1 else []),
            ]
            known = [each for each in expected.vectors if each.document_id == document]
            kinds += [VectorDeleted(random.choice(known))] if known else []
            changes.append(random.choice(kinds))
        for change in changes:
            expected.apply(change)
        view.apply(changes)

        assert (expected.records(), expected.nearest(QUERY[0], 5)) == shown(view)
        names = [f"document-{number}" for number in range(30)]
        assert {name: said.version for name, said in expected.documents.items()} == view.visible_versions(TENANT, names)


@pytest.mark.parametrize("together", [True, False])
def test_highest_order_counts(together: bool) -> None:
    """A version that is said to be visible late does not take a newer one's place, unless the document was removed."""
    view = VectorView()
    late = [visible("a", "2", 2), visible("a", "1", 1), visible("b", "2", 2), removed("b"), visible("b", "1", 1)]
    for changes in [late] if together else [[change] for change in late]:
        view.apply(changes)

    assert {"a": "2", "b": "1"} == view.visible_versions(TENANT, ["a", "b"])


def test_removal_within_a_batch_ends_the_order() -> None:
    """What was visible before a document was removed does not count against what comes behind the removal."""
    view = VectorView()
    view.apply([visible("a", "2", 2)])
    view.apply([removed("a"), visible("a", "1", 1)])

    assert {"a": "1"} == view.visible_versions(TENANT, ["a"])


def test_hits_are_ranked() -> None:
    """The nearest comes first, with its document, its version and the cosine; among equals the lower id does."""
    view = VectorView()
    view.apply([put("a", "1", 0, (3, 4, 0, 0)), put("b", "1", 0, (2, 0, 0, 0)), put("c", "1", 0, (1, 0, 0, 0))])
    view.apply([visible(document, "1", 1) for document in "abc"])
    equals = sorted([(record_id("b", "1", 0), "b"), (record_id("c", "1", 0), "c")])

    hits = view.search(TENANT, MODEL, QUERY, 3)[0]

    assert [*(Hit(*each, "1", 1.0) for each in equals), Hit(record_id("a", "1", 0), "a", "1", np.float32(0.6))] == hits


def test_only_allowed_records_are_found() -> None:
    """Where ids are given, no other record is found, however near; an id that is not there changes nothing."""
    view = VectorView()
    view.apply([put("a", "1", 0), put("b", "1", 0, (0, 1, 0, 0)), visible("a", "1", 1), visible("b", "1", 1)])

    hits = view.search(TENANT, MODEL, QUERY, 5, [record_id("b", "1", 0), "f" * 32])[0]

    assert ["b"] == [hit.document_id for hit in hits]


def test_tenants_and_models_are_apart() -> None:
    """Nobody finds what is another tenant's or another model's."""
    view = VectorView()
    view.apply([put("a", "1", 0, tenant="other"), visible("a", "1", 1, tenant="other"), visible("a", "1", 1)])

    assert [[]] == view.search(TENANT, MODEL, QUERY, 5)
    assert [[]] == view.search("other", OTHER, QUERY, 5)
    assert 1 == len(view.search("other", MODEL, QUERY, 5)[0])


def test_live_model_is_the_newest() -> None:
    """The model of the highest order is the one to search with."""
    view = VectorView()
    before = view.live(TENANT)
    view.apply([live(OTHER, 2)])
    view.apply([live(MODEL, 1)])

    assert None is before
    assert OTHER == view.live(TENANT)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (put("a", "1", 1, (1, 2)), "a vector of 2 numbers, where those of model .* have 4"),
        (put("a", "1", 1, (1, float("nan"), 0, 0)), "not finite"),
        (put("a", "", 1), "version is empty"),
        (replace(put("a", "1", 1), key=replace(key("a", "1", 1), record_id="x")), "32 hexadecimal digits"),
    ],
)
def test_useless_vectors_are_left_out(bad: VectorPut, reason: str) -> None:
    """A vector that no search could use is given back with the reason, and all others are taken over."""
    view = VectorView()

    refused = view.apply([put("a", "1", 0), bad, visible("a", "1", 1)])

    ((number, error),) = refused
    assert 1 == number
    assert re.search(reason, str(error))
    assert 1 == len(view.visible_records(TENANT, MODEL))


def test_rows_and_names_are_used_again() -> None:
    """Replacing a document again and again takes no more memory than two versions need."""
    view, taken = VectorView(), []
    for order in range(400):
        view.apply([put("a", f"{order:01000}", chunk) for chunk in range(10)])
        view.apply([visible("a", f"{order:01000}", order)])
        view.apply([deleted("a", f"{order - 1:01000}", chunk) for chunk in range(10)])
        taken.append(view.states()[0])

    assert (10, 10) == (taken[-1].vectors, taken[-1].visible)
    assert taken[-1].nbytes < max(state.nbytes for state in taken[:200]) + 10_000


def test_lower_ids_come_first_among_many_equals() -> None:
    """Where more records are equally near than are looked at first, those with the lowest ids are found."""
    view = VectorView()
    names = [f"document-{number}" for number in range(200)]
    for name in names:
        view.apply([put(name, "1", 0), visible(name, "1", 1)])

    hits = view.search(TENANT, MODEL, QUERY, 5)[0]

    assert sorted(record_id(name, "1", 0) for name in names)[:5] == [hit.record_id for hit in hits]


def test_wrong_queries_are_refused() -> None:
    """A query of another dimension, or with a number that is not finite, says what the model takes."""
    for queries in (np.zeros((1, 3), np.float32), np.full((1, 4), np.nan, np.float32), np.zeros(4, np.float32)):
        with pytest.raises(ValueError, match="rows of 4 finite numbers"):
            VectorView(Sizes()).search(TENANT, MODEL, queries, 1)
