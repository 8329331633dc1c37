"""Job requests are made of what a person typed."""

import pytest
from medkg_contracts.errors import InvalidRequest
from medkg_contracts.requests import JobRequest
from medkg_operations.requests import Asked, request_event


def test_one_id_is_a_job():
    """A single id makes a request for one item."""
    assert JobRequest(source="ctgov", id="NCT05814159") == Asked("ctgov", ["NCT05814159"]).request()


def test_several_ids_are_a_batch():
    """Two ids make one request for a batch."""
    assert (
        JobRequest(source="ctgov", ids=["NCT05814159", "NCT02300909"])
        == Asked("ctgov", ["NCT05814159", "NCT02300909"]).request()
    )


def test_a_query_is_a_batch():
    """A query with a limit makes a request for a batch; search areas of ctgov need no prefix."""
    asked = Asked("ctgov", query={"cond": "breast cancer", "filter.overallStatus": "COMPLETED"}, limit=5)
    expected = {"query.cond": "breast cancer", "filter.overallStatus": "COMPLETED"}
    assert JobRequest(source="ctgov", query=expected, limit=5) == asked.request()


def test_another_sources_query_is_left_as_it_is():
    """Only ctgov's search areas get ctgov's prefix."""
    assert {"cond": "x"} == Asked("openalex", query={"cond": "x"}).request().query


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Asked("ctgov"), "nothing is asked for"),
        (Asked("ctgov", ["NCT05814159"], query={"cond": "x"}), "give exactly one of id, ids and query"),
        (Asked("ctgov", ["NCT05814159"], limit=5), "limit belongs to a query"),
        (Asked("CT gov", ["NCT05814159"]), "source: "),
        (Asked("ctgov", ["NCT05814159"], until="No Stage"), "until: "),
    ],
)
def test_a_wrong_request_is_refused_by_field(asked, message):
    """What breaks a rule is refused before anything is sent, and the message says what it is."""
    with pytest.raises(InvalidRequest, match=message):
        asked.request()


def test_the_same_job_id_is_the_same_event():
    """A request that is repeated under its job id is recognisably the same event."""
    request = JobRequest(source="ctgov", id="NCT05814159")
    first, second = request_event(request, job="mine"), request_event(request, job="mine")
    assert (first.id, "mine") == (second.id, second.extensions["partitionkey"])


def test_a_request_without_job_id_is_a_new_job():
    """Asking twice without a job id asks for two jobs."""
    request = JobRequest(source="ctgov", id="NCT05814159")
    assert request_event(request).extensions["jobid"] != request_event(request).extensions["jobid"]


@pytest.mark.parametrize(("option", "values"), [("tenant", {"tenant": "A B"}), ("job-id", {"job": "no spaces"})])
def test_a_wrong_name_is_refused(option, values):
    """A tenant or job id with characters that it cannot have is refused before anything is sent."""
    with pytest.raises(InvalidRequest, match=f"^{option}: "):
        request_event(JobRequest(source="ctgov", id="NCT05814159"), **values)
