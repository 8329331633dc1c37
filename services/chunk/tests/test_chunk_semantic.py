"""Chunks that end where the text turns to something else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from medkg_chunk.coherence import cosines
from medkg_chunk.semantic import MOST_SENTENCES
from medkg_contracts.ir import Chunk, Document, Span
from medkg_contracts.model import OptionValue

from .cases import chunk, document, section
from .fakes import FakeModels

OTHERS: list[dict[str, OptionValue]] = [{}, {}, {"min_tokens": 9}, {"break_percentile": 11}, {"max_tokens": 255}]


def by_meaning(doc: Document, models: FakeModels | None = None, /, **options: OptionValue) -> list[Chunk]:
    said: dict[str, OptionValue] = {"strategy": "semantic", "model": "topics", "min_tokens": 8, **options}
    return chunk(doc, models, **said)


def sentences(organ: str, count: int) -> str:
    return "".join(f"The {organ} was seen on day {day}. " for day in range(count))


def test_a_chunk_ends_where_the_text_turns_to_something_else() -> None:
    """Six sentences of one organ and six of another are two chunks, although one would have room for all."""
    heart, kidney = sentences("heart", 6), sentences("kidney", 6)
    one, other = by_meaning(document(section(heart + kidney)))

    assert (heart.strip(), kidney.strip()) == (one.text, other.text)


def test_coherence_is_kept() -> None:
    """A chunk says how alike its sentences are at least: all of one organ, or of two where it is too short to end."""
    mixed = by_meaning(document(section(sentences("heart", 2) + sentences("kidney", 10))), min_tokens=24)
    alike = by_meaning(document(section(sentences("heart", 6) + sentences("kidney", 6))))

    assert [0.0] == [one.coherence for one in mixed]
    assert [1.0, 1.0] == [one.coherence for one in alike]


def test_without_embeddings_there_is_no_coherence() -> None:
    """Chunks of another strategy, and of a section that is too short to be cut, have no coherence and cost no model."""
    models = FakeModels()
    doc = document(section("The heart was seen. The kidney was seen."))

    assert [None] == [one.coherence for one in by_meaning(doc, models, max_tokens=40, min_tokens=20)]
    assert [None] == [one.coherence for one in chunk(doc, models)]
    assert [] == models.topics.asked


def test_the_bound_ends_a_chunk_where_it_coheres_least() -> None:
    """Where a chunk has to end, it does at the weakest place, and not at the last one that is possible."""
    text = sentences("heart", 3) + sentences("kidney", 5)
    chunks = by_meaning(document(section(text)), max_tokens=40, break_percentile=0)

    assert [sentences("heart", 3).strip()] == [one.text for one in chunks][:1]


def test_what_leads_in_is_not_left_behind() -> None:
    """A line that ends with a colon stays with what follows."""
    text = f"{sentences('heart', 4)}\nThe liver is excluded if:\n{sentences('kidney', 5)}"
    chunks = by_meaning(document(section(text)), break_percentile=30)

    assert [False] * len(chunks) == [one.text.endswith(":") for one in chunks]
    assert any(one.text.startswith("The liver is excluded if:") for one in chunks)


def test_rows_of_tables_are_not_embedded() -> None:
    """The model is asked once for a document, for the sentences of its prose."""
    models = FakeModels()
    body = "heart | 1\nkidney | 2\n"
    text = sentences("heart", 4) + body + sentences("kidney", 4)
    table = Span(start=text.index(body), end=text.index(body) + len(body))
    by_meaning(document(section(text, tables=[table]), section(sentences("liver", 4), number=2)), models)

    assert [12] == [len(texts) for texts in models.topics.asked]
    assert "heart | 1" not in models.topics.asked[0]


def test_very_many_sentences_are_not_all_embedded() -> None:
    """A section with more sentences than may be embedded is cut where chunks are full; a later short one is not."""
    models = FakeModels()
    long, short = sentences("heart", MOST_SENTENCES + 1), sentences("kidney", 6)
    chunks = by_meaning(document(section(long), section(short, number=2)), models)

    assert [6] == [len(texts) for texts in models.topics.asked]
    assert {"s1": {None}, "s2": {1.0}} == {
        name: {one.coherence for one in chunks if one.section_id == name} for name in ("s1", "s2")
    }


def test_the_same_document_makes_the_same_chunks_and_other_options_others() -> None:
    """Ids are the same from run to run, and depend on every option that the strategy heeds."""
    doc = document(section(sentences("heart", 20) + sentences("kidney", 20)))
    ids = [[one.id for one in by_meaning(doc, **options)] for options in OTHERS]

    assert ids[0] == ids[1]
    assert [] == [one for other in ids[2:] for one in other if one in ids[0]]


@given(
    arrays.arrays(np.float32, st.tuples(st.integers(2, 12), st.just(3)), elements=st.sampled_from([-1.0, 0.0, 0.5])),
    st.integers(1, 4),
)
@settings(deadline=None)
def test_cosines_are_those_of_the_windows_means(rows: np.ndarray, window: int) -> None:
    """At each place the value is the cosine of the means of the rows before and behind it, or 1 if one is nought."""

    def expected(place: int) -> float:
        before, behind = rows[max(0, place - window) : place].mean(0), rows[place : place + window].mean(0)
        lengths = float(np.linalg.norm(before) * np.linalg.norm(behind))
        return float(before @ behind) / lengths if lengths > 1e-9 else 1.0

    assert [pytest.approx(expected(place), abs=1e-3) for place in range(1, len(rows))] == cosines(rows, window)
