"""Job requests, and the events that carry them."""

import pytest
from medkg_contracts.errors import InvalidRequest, JobIdTaken
from medkg_contracts.requests import JobRequest
from medkg_ledger import JobState
from medkg_operations.requests import check_id, job_request, request_event


def test_one_id_is_a_job():
    """A single id makes a request for one item."""
    assert JobRequest(source="ctgov", id="NCT05814159") == job_request("ctgov", ["NCT05814159"])


def test_several_ids_are_a_batch():
    """Two ids make one request for a batch."""
    assert JobRequest(source="ctgov", ids=["NCT05814159", "NCT02300909"]) == job_request(
        "ctgov", ["NCT05814159", "NCT02300909"]
    )


def test_a_query_is_a_batch():
    """A query with a limit makes a request for a batch."""
    query = {"cond": "breast cancer", "filter.overallStatus": "COMPLETED"}
    assert JobRequest(source="ctgov", query=query, limit=5) == job_request("ctgov", query=query, limit=5)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"ids": []}, "nothing is asked for"),
        ({"query": {"cond": "x"}}, "give exactly one of id, ids and query"),
        ({"limit": 5}, "limit belongs to a query"),
        ({"source": "CT gov"}, "source: "),
        ({"until": "No Stage"}, "until: "),
    ],
)
def test_a_wrong_request_is_refused_by_field(asked, message):
    """What breaks a rule is refused before anything is sent, and the message says what it is."""
    with pytest.raises(InvalidRequest, match=message):
        job_request(**{"source": "ctgov", "ids": ["NCT05814159"], **asked})


def test_the_same_job_id_is_the_same_event():
    """A request that is repeated under its job id is recognisably the same event."""
    request = JobRequest(source="ctgov", id="NCT05814159")
    first, second = (request_event(request, source="/test", job="mine") for _ in range(2))
    assert (first.id, "mine") == (second.id, second.extensions["partitionkey"])


def test_another_request_under_a_job_id_is_another_event():
    """Two requests that differ have two ids, in what they ask for as in whose they are."""
    request = JobRequest(source="ctgov", id="NCT05814159")
    other = request_event(request.model_copy(update={"id": "NCT00353704"}), job="mine", source="/test")
    theirs = request_event(request, tenant="acme", job="mine", source="/test")
    assert 3 == len({request_event(request, job="mine", source="/test").id, other.id, theirs.id})


class LedgerOf:
    """A ledger that knows one job, or none."""

    def __init__(self, state: JobState | None) -> None:
        self._state = state

    async def get(self, _: str) -> JobState | None:
        """The state of any job."""
        return self._state


async def test_a_job_id_that_is_taken_is_refused_before_anything_is_sent():
    """The id of a job that asks for something else is refused; its own, and one that nobody has, are not."""
    request = JobRequest(source="ctgov", id="NCT05814159")
    state = JobState(
        job_id="mine", tenant_id="public", doc_id=request.doc_id, correlation_id="mine", request=request,
        created_at=1, updated_at=1,
    )  # fmt: skip
    event = request_event(request, job="mine", source="/test")
    await check_id(LedgerOf(state), event)  # type: ignore[arg-type] - a fake
    await check_id(LedgerOf(None), event)  # type: ignore[arg-type] - a fake
    with pytest.raises(JobIdTaken):
        await check_id(LedgerOf(state), request_event(request, tenant="acme", job="mine", source="/test"))  # type: ignore[arg-type] - a fake


def test_a_request_without_job_id_is_a_new_job():
    """Asking twice without a job id asks for two jobs."""
    request = JobRequest(source="ctgov", id="NCT05814159")
    first, second = (request_event(request, source="/test") for _ in range(2))
    assert first.extensions["jobid"] != second.extensions["jobid"]


@pytest.mark.parametrize(("option", "values"), [("tenant", {"tenant": "A B"}), ("job-id", {"job": "no spaces"})])
def test_a_wrong_name_is_refused(option, values):
    """A tenant or job id with characters that it cannot have is refused before anything is sent."""
    with pytest.raises(InvalidRequest, match=f"^{option}: "):
        request_event(JobRequest(source="ctgov", id="NCT05814159"), source="/test", **values)
