"""What is concluded about a gate."""

from dataclasses import replace

import pytest
from medkg_contracts.errors import PoisonRecord
from medkg_explain.gate import about_gate
from medkg_ledger import NodeState, NodeStatus

from .cases import ANSWER, NO_ROUTER, NOW, ROUTER, gate_facts, job, letter_of

SPOKEN = replace(ANSWER, topic="approvals.v1")
PAST = NodeState(status=NodeStatus.WAITING, epoch=1, deadline=NOW - 5_000)


def test_a_gate_says_what_it_waits_for_and_until_when() -> None:
    """A closed gate names its topic, the job id that the event needs, and what its deadline does."""
    finding = about_gate(job(), gate_facts(), NOW)

    assert ("gate_closed", "approval") == (finding.cause, finding.stage)
    assert "the gate approval has not been opened; its deadline is in 100 s" == finding.summary
    assert "an event on approvals.v1 with jobid=j1; at 2023-11-14T22:15:00+00:00 the job fails" == finding.waiting_on


@pytest.mark.parametrize(("router", "cause"), [(ROUTER, "router_behind"), (NO_ROUTER, "router_dead")])
def test_a_gate_that_has_been_spoken_to_waits_for_the_router(router, cause) -> None:
    """A gate whose event is there is explained by the router that has not read it."""
    assert cause == about_gate(job(), gate_facts(answer=SPOKEN, router=router), NOW).cause


@pytest.mark.parametrize(("router", "cause"), [(ROUTER, "router_behind"), (NO_ROUTER, "router_dead")])
def test_a_gate_that_has_expired_waits_for_the_router(router, cause) -> None:
    """After its deadline a gate is explained by the router that has not fired its timer."""
    finding = about_gate(job(), gate_facts(current=PAST, router=router), NOW)

    assert cause == finding.cause
    assert "the deadline of the gate approval has been due for 5 s" in finding.summary


def test_an_event_that_could_not_be_read_is_why_a_gate_is_closed() -> None:
    """A gate whose event went to the DLQ is explained by the poison, with its place and the error."""
    letter = letter_of(SPOKEN, PoisonRecord("no jobid"), "router.dlq.v1")
    finding = about_gate(job(), gate_facts(letter=letter), NOW)

    assert ("poison_record", "router.dlq.v1/2@3") == (finding.cause, finding.record)
    assert "[poison] no jobid" == finding.last_error
