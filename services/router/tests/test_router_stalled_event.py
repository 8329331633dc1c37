"""`job.stalled` as an event: what makes two of them the same."""

from medkg_contracts.explanation import Explanation
from medkg_ledger import JobState
from medkg_router.stalled import stalled_event

STATE = JobState(job_id="j-1", tenant_id="acme", doc_id="ctgov:1", correlation_id="c", created_at=1, updated_at=2)
EXPLAINED = Explanation(
    job_id="j-1", status="running", cause="dead_consumer", summary="nobody reads", next_action="start"
)


def test_the_same_explanation_again_is_the_same_event() -> None:
    """Whoever keeps the ids that it has seen is told of one reason once."""
    assert stalled_event(EXPLAINED, STATE).id == stalled_event(EXPLAINED, STATE).id


def test_another_explanation_is_another_event() -> None:
    """Nobody who keeps the ids that it has seen misses what has become of a job since, nor that it has moved."""
    changed = EXPLAINED.model_copy(update={"summary": "somebody reads, and 3 records stand before it"})
    moved = STATE.model_copy(update={"sequence": 7})

    told = [stalled_event(EXPLAINED, STATE), stalled_event(changed, STATE), stalled_event(EXPLAINED, moved)]
    assert 3 == len({event.id for event in told})
