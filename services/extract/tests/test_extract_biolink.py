"""What is extracted is of the Biolink model."""

from collections.abc import Mapping

from tests.biolink import problems


def test_all_that_studies_say_is_biolinks(extracted: Mapping) -> None:
    """Categories, predicates with what they may tie, prefixes, levels and agents are those of the model."""
    assert set() == {told for entities, said in extracted.values() for told in problems(entities, said)}
