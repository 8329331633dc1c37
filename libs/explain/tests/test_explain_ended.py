"""What is concluded about jobs that have ended, and about ids that the ledger does not know."""

from dataclasses import replace

from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.errors import InvalidRequest, LedgerUnavailable, StageTimeout
from medkg_contracts.orders import Order
from medkg_explain.ended import about_ended
from medkg_explain.facts import Reader
from medkg_explain.router import unwritten
from medkg_explain.stranger import about_stranger
from medkg_ledger import JobStatus
from medkg_topology.plan import Plan
from pydantic import JsonValue

from .cases import ANSWER, LETTER, NODE, ROUTER, job

REQUEST = replace(ANSWER, topic="jobs.requests.v1")


def test_a_failed_job_says_where_and_why_and_how_it_goes_on() -> None:
    """The stage, the error with its remedy, the dead letter and the command that runs it again."""
    error = StageTimeout("chunk took longer than 30 s").info
    state = job(status=JobStatus.FAILED, failed_stage="chunk", error=error)
    explanation = about_ended(state, LETTER, None).about(state, None)

    assert ("failed", "failed", "chunk") == (explanation.status, explanation.cause, explanation.stage)
    assert "it failed at chunk [timeout]" == explanation.summary
    assert f"[timeout] chunk took longer than 30 s -> {error.remedy}" == explanation.last_error
    assert "chunk.dlq.v1/2@3" == explanation.record
    assert "`medkg dlq show chunk.dlq.v1/2@3`" in explanation.next_action
    assert "`medkg job rerun j1`" in explanation.next_action


def test_it_is_told_what_the_topology_asks_of_the_stage() -> None:
    """The options of the stage that it is about, to programs and to people; nothing where there are none."""
    plain, told = (
        Plan(name="scene", version="1", nodes=(NODE.model_copy(update={"options": options}),))
        for options in ({}, {"strategy": "section", "max_tokens": 400})
    )
    state = job(status=JobStatus.FAILED, failed_stage="chunk", error=StageTimeout("chunk took longer").info)
    explanation, silent = (about_ended(state, LETTER, None).about(state, plan) for plan in (told, plain))

    assert {"strategy": "section", "max_tokens": 400} == explanation.model_dump()["options"]
    assert "  options      strategy section, max_tokens 400" in explanation.text().splitlines()
    assert "options" not in silent.model_dump()
    assert "options" not in silent.text()


def test_a_batch_whose_query_found_nothing_says_so() -> None:
    """A batch without a single item has completed, and whoever asked why nothing came of it is told."""
    value: JsonValue = {"batch_id": "j1", "jobs": 0}
    expansion = ArtifactRef(name="expansion", sha256="0" * 64, size=30, value=value)
    state = job(status=JobStatus.COMPLETED, artifacts={"expansion": expansion})
    explanation = about_ended(state, None, None).about(state, None)

    assert ("completed", True) == (explanation.cause, "found nothing" in explanation.summary)


def test_a_rejected_job_is_asked_for_again() -> None:
    """A request that was refused is corrected and submitted again; there is nothing to run again."""
    error = InvalidRequest("source: missing").info
    state = job(status=JobStatus.REJECTED, error=error, pipeline_name=None, pipeline_version=None)
    explanation = about_ended(state, None, None).about(state, None)

    assert ("rejected", None) == (explanation.cause, explanation.pipeline)
    assert f"{error.remedy} Then `medkg submit` asks for it again." == explanation.next_action


def test_a_cancelled_job_says_who_and_why() -> None:
    """Who cancelled the job and why is told, as far as it is known."""
    state = job(status=JobStatus.CANCELLED)

    assert "alice cancelled it: wrong list" == about_ended(state, None, Order(by="alice", reason="wrong list")).summary
    assert "somebody cancelled it" == about_ended(state, None, None).summary


def test_a_completed_job_needs_nothing() -> None:
    """There is nothing to do for a completed job."""
    state = job(status=JobStatus.COMPLETED)

    assert ("completed", "Nothing.") == (
        about_ended(state, None, None).cause,
        about_ended(state, None, None).next_action,
    )


def test_an_unread_request_waits_for_the_router() -> None:
    """A job that the ledger does not know yet is explained by the router that has not read its request."""
    explanation = about_stranger("j1", None, REQUEST, ROUTER)

    assert ("requested", "router_behind") == (explanation.status, explanation.cause)
    assert "the router has yet to read its request; 2 records stand before it" == explanation.summary
    assert "router_dead" == about_stranger("j1", None, REQUEST, Reader(5, None, 0)).cause


def test_an_unread_request_waits_for_a_ledger_that_takes_writes() -> None:
    """Behind a ledger that cannot be written no request is read; one that was refused stays refused."""
    refusal = unwritten(LedgerUnavailable("Redis is out of memory: no", remedy="Give it more."))
    explanation = about_stranger("j1", None, REQUEST, ROUTER, refusal=refusal)
    refused = about_stranger("j1", LETTER, None, Reader(8, ROUTER.owner, 1), refusal=refusal)

    assert ("requested", "ledger_refuses") == (explanation.status, explanation.cause)
    assert "the router cannot write to the ledger: Redis is out of memory: no" == explanation.summary
    assert "Give it more." == explanation.next_action
    assert "poison_record" == refused.cause


def test_a_refused_request_is_poison() -> None:
    """A request that went to the DLQ, behind which the router is, is explained by its letter."""
    explanation = about_stranger("j1", LETTER, None, Reader(8, ROUTER.owner, 1))

    assert ("refused", "poison_record") == (explanation.status, explanation.cause)
    assert "`medkg dlq redrive chunk.dlq.v1/2@3`" in explanation.next_action


def test_nobody_knows_a_wrong_id() -> None:
    """An id that stands nowhere is unknown."""
    explanation = about_stranger("j1", None, None, ROUTER)

    assert ("unknown", "unknown_job") == (explanation.status, explanation.cause)
