"""Histories that an index may write, for properties."""

from itertools import pairwise

from hypothesis import strategies as st
from medkg_contracts.changelog import VectorChange

from .changelog import DIMENSION, MODEL, OTHER, deleted, live, put, removed, visible

DOCUMENTS, VERSIONS, CHUNKS = ("a", "b/c", "ü"), ("1", "2"), (0, 1)

_vectors = st.lists(st.sampled_from([-1.0, 0.0, 0.5, 2.0]), min_size=DIMENSION, max_size=DIMENSION)
_documents, _versions, _chunks = st.sampled_from(DOCUMENTS), st.sampled_from(VERSIONS), st.sampled_from(CHUNKS)
_kinds = st.sampled_from(["put", "put", "put", "delete", "visible", "visible", "late", "remove", "live"])


@st.composite
def histories(draw: st.DrawFn) -> list[VectorChange]:
    """What an index may write, its races and repeats included."""
    changes: list[VectorChange] = []
    newest: dict[str, VectorChange] = {}
    orders: dict[str, int] = {}
    for kind in draw(st.lists(_kinds, max_size=40)):
        document, version, chunk = draw(_documents), draw(_versions), draw(_chunks)
        match kind:
            case "put":
                changes.append(put(document, version, chunk, draw(_vectors)))
            case "delete":
                changes.append(deleted(document, version, chunk))
            case "visible":
                orders[document] = orders.get(document, 0) + draw(st.integers(1, 3))
                newest[document] = visible(document, version, orders[document])
                changes.append(newest[document])
            case "late" if document in newest:
                # Whoever comes too late finds the newer version afterwards, and says it again.
                changes += [visible(document, version, orders[document] - 1), newest[document]]
            case "remove":
                orders.pop(document, None)
                newest.pop(document, None)
                changes.append(removed(document))
            case "live":
                changes.append(live(draw(st.sampled_from([MODEL, OTHER])), len(changes)))
    return changes


def batches(draw: st.DataObject, changes: list[VectorChange]) -> list[list[VectorChange]]:
    """The changes, cut anywhere."""
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(changes)), max_size=5)))
    return [changes[begin:end] for begin, end in pairwise([0, *cuts, len(changes)])]
