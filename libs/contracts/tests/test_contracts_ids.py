"""Identifiers are deterministic, distinct, and fit where they are used."""

from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.ids import batch_item_id, digest, event_id, job_id
from medkg_contracts.model import Identifier
from pydantic import TypeAdapter

#: Parts of ids come from attributes and names, which hold no control characters.
parts = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=20)


def test_event_id_is_pinned() -> None:
    """Ids are part of the wire: they are the same in every version."""
    assert event_id("j-1", "parse", 1, 1, "stage.completed") == "b407e44d14b6c2f2dbf2b40aa137d704"


def test_job_id_is_pinned() -> None:
    """The same request is the same job in every version."""
    assert job_id("/medkg/cli", "nct05814159-2025-11-20") == "j-5b3d64922abe1d4483dda260"


@settings(max_examples=100)
@given(st.lists(parts, max_size=4), st.lists(parts, max_size=4))
def test_other_parts_have_another_digest(one: list[str], other: list[str]) -> None:
    """Two lists of parts have the same digest only when they are the same list."""
    assert (one or [""]) == (other or [""]) or digest(*one) != digest(*other)


def test_numbers_and_their_text_are_one_part() -> None:
    """An epoch is the same whether it was read from a header or counted."""
    assert digest("a", 1) == digest("a", "1")


@settings(max_examples=50)
@given(parts, parts)
def test_derived_ids_are_identifiers(one: str, other: str) -> None:
    """Derived job ids are safe wherever a job id stands."""
    identifier = TypeAdapter(Identifier)

    assert [identifier.validate_python(value) for value in (job_id(one, other), batch_item_id(one, other))] == [
        job_id(one, other),
        batch_item_id(one, other),
    ]
