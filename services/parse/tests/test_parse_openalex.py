"""A work of OpenAlex is its title and its abstract."""

import hashlib
import json
from typing import Any

import pytest
from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ir import Document, RawPayload
from medkg_parse.readers import read_payload

WORK = {
    "id": "https://openalex.org/W1",
    "title": "Asthma  in\nchildren",
    "publication_year": 2020,
    "is_retracted": False,
    "abstract_inverted_index": {"is": [1, 4], "Asthma": [0], "common.": [2], "It": [3], "treated.": [5]},
}


def parsed(**changes: Any) -> Document:
    """The document of a work with these changes."""
    body = json.dumps({**WORK, **changes})
    return read_payload(
        RawPayload(
            source="openalex", source_id="W1", uri="u", media_type="application/json", body=body,
            sha256=hashlib.sha256(body.encode()).hexdigest(),
        )
    )  # fmt: skip


def test_words_are_put_in_their_places() -> None:
    """The abstract reads as its author wrote it, and each section says where it stands."""
    document = parsed()

    assert ("openalex:W1", {"publication_year": 2020, "is_retracted": False}) == (document.id, document.metadata)
    assert [
        ("title", "Asthma in children", "/title"),
        ("abstract", "Asthma is common. It is treated.", "/abstract_inverted_index"),
    ] == [(each.type, each.text, each.provenance.path) for each in document.sections]


def test_a_work_without_title_is_called_by_its_id() -> None:
    """There are such works."""
    assert "W1" == parsed(title=None).title


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"id": "https://openalex.org/W2"}, "but 'W1' was asked for"),
        ({"title": None, "abstract_inverted_index": None}, "neither /title nor"),
        ({"title": 5}, "/title is no text but"),
        ({"abstract_inverted_index": [1]}, "/abstract_inverted_index is no object"),
        ({"abstract_inverted_index": {"a": [10**9]}}, "which is no place"),
    ],
)
def test_what_is_no_work_is_refused(changes: dict[str, Any], problem: str) -> None:
    """The field is named."""
    with pytest.raises(InvalidDocument, match=problem):
        parsed(**changes)
