"""Job requests: what goes together, and what does not."""

import pytest
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.requests import JobRequest
from pydantic import ValidationError

STORED = ArtifactRef(name="payload", sha256="a" * 64, size=600, uri="artifact://public/" + "a" * 64)
SMALL = ArtifactRef(name="payload", sha256="a" * 64, size=2, value={})


@pytest.mark.parametrize("asked", [{"ids": ["1", "2"], "payload": STORED}, {"id": "1", "payload": SMALL}])
def test_a_payload_is_one_items_and_stands_in_the_store(asked):
    """A list has no one payload, and a value inside a reference has not the bytes that were given."""
    with pytest.raises(ValidationError, match="a payload is the record of one id, and stands in the artifact store"):
        JobRequest(source="beir", **asked)


def test_a_request_without_payload_is_written_as_before():
    """Whoever reads requests of an earlier version can read those that carry nothing."""
    assert "payload" not in JobRequest(source="ctgov", id="NCT00353704").model_dump()
