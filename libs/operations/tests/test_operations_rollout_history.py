"""What the lifecycle events tell of rollouts."""

from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.data import JobAccepted, RolloutReverted, VersionFigures
from medkg_contracts.kinds import Kind
from medkg_contracts.requests import JobRequest
from medkg_ledger import JobState, JobStatus, RolloutState
from medkg_operations.rebuild.rollout_history import RolloutHistory

from .events_of import event

OLD = VersionFigures(digest="a" * 64, jobs=200, failed=1, p50_ms=900.0, p95_ms=1500.0)
NEW = VersionFigures(digest="b" * 64, jobs=40, failed=4, p50_ms=800.0, p95_ms=4000.0)


def history(*versions: tuple[int, str], reverted: str | None = None) -> RolloutHistory:
    """A rollout of NEW, after jobs were accepted on these versions at these times."""
    heard = RolloutHistory({"trials": 10}, {"trials": NEW.digest})
    request = JobRequest(source="ctgov", id="NCT1")
    for time, digest in versions:
        plan = ArtifactRef(name="plan", sha256=digest, size=1, uri=f"artifact://system/{digest}")
        data = JobAccepted(pipeline="trials", digest=digest, plan=plan, request=request)
        heard.hear(event(Kind.JOB_ACCEPTED, data=data), time)
    if reverted is not None:
        new = NEW.model_copy(update={"digest": reverted})
        data = RolloutReverted(pipeline="trials", reason="slow", old=OLD, new=new)
        heard.hear(event(Kind.ROLLOUT_REVERTED, data=data), 9)
    return heard


def test_the_last_other_version_is_the_proven_one():
    """After a rebuild a new version is rolled out beside the one that jobs took before it."""
    state = RolloutState(new=NEW.digest, old=OLD.digest, percent=10)
    assert {"trials": state} == history((2, OLD.digest), (1, "c" * 64), (3, NEW.digest)).states()


def test_a_reverted_version_stays_reverted():
    """A version that was taken back is not rolled out again by a rebuild; another one is."""
    heard = history((2, OLD.digest), reverted=NEW.digest).states()["trials"]
    assert (OLD.digest, "slow") == (heard.old, heard.reverted)
    assert history((2, OLD.digest), reverted="d" * 64).states()["trials"].reverted is None


def test_a_first_version_has_no_rollout():
    """Where no other version was ever taken there is nothing to fall back to."""
    assert {} == history((1, NEW.digest)).states()


def test_ended_jobs_of_a_rollout_count():
    """Only completed and failed jobs of a topology that has a rollout count among the figures."""
    job = JobState(
        job_id="j", tenant_id="public", doc_id="x", correlation_id="j", created_at=0, updated_at=0,
        pipeline_name="trials", status=JobStatus.FAILED,
    )  # fmt: skip
    others = [{"status": JobStatus.CANCELLED}, {"status": JobStatus.RUNNING}, {"pipeline_name": "others"}]
    jobs = [job, *(job.model_copy(update=other) for other in others)]
    assert [True, False, False, False] == [history().counts(each) for each in jobs]
