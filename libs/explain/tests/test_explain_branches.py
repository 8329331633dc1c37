"""What is concluded about a job that waits for several nodes at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_explain import Cause
from medkg_explain.branches import open_nodes, weigh
from medkg_explain.finding import Finding

from .cases import PLAN, at


def finding(cause: str, name: str = "x") -> Finding:
    """A conclusion about a node."""
    return Finding(Cause(cause), f"{name} is {cause}", "do it", name, f"{name}/0@1", f"what {name} waits for")


def weighed(state, **causes: str) -> Finding:
    """The finding that explains the job, of findings with these causes by node."""
    return weigh(PLAN, state, {name: finding(cause, name) for name, cause in causes.items()})


def test_open_nodes_are_those_that_wait_for_an_answer_or_a_timer() -> None:
    """What has passed or has not started is not waited for."""
    state = at(parse="completed", validate="deferred", chunk="requested")

    assert ["validate", "chunk"] == [node.name for node in open_nodes(PLAN, state)]


def test_a_missing_branch_of_a_join_is_named() -> None:
    """Where one branch has arrived and another is simply in work, the join's waiting is the cause."""
    found = weighed(at(parse="completed", validate="requested", chunk="completed"), validate="in_work")

    assert ("join_waits", "validate") == (found.cause, found.stage)
    assert (
        "the join index waits for its branch approval (chunk has arrived); validate: validate is in_work"
        == found.summary
    )


def test_a_branch_whose_answer_is_lost_is_a_missing_branch() -> None:
    """A branch that never comes is named by the join, with what brings it back."""
    state = at(parse="completed", validate="completed", chunk="requested", approval="opened")
    found = weighed(state, chunk="record_gone")

    assert ("join_waits", "do it") == (found.cause, found.next_action)
    assert "the join index waits for its branch chunk (approval has arrived): chunk is record_gone" == found.summary


@pytest.mark.parametrize("cause", ["dead_consumer", "open_breaker", "tenant_paused", "lagging_consumer"])
def test_a_branch_that_has_a_fault_is_explained_by_the_fault(cause: str) -> None:
    """What is wrong with the missing branch is the cause; that a join waits for it is told beside it."""
    found = weighed(at(parse="completed", validate="requested", chunk="completed"), validate=cause)

    assert cause == found.cause
    assert "what validate waits for; the join index waits for its branch approval" == found.waiting_on


def test_before_any_branch_has_arrived_no_join_waits() -> None:
    """Two branches in work are work, not a waiting join; the other one is told."""
    found = weighed(at(parse="completed", validate="requested", chunk="requested"), validate="in_work", chunk="in_work")

    assert ("in_work", "what validate waits for; also open: chunk (in_work)") == (found.cause, found.waiting_on)


def test_of_several_branches_the_most_pressing_is_explained() -> None:
    """A branch that needs somebody goes before one that comes by itself."""
    state = at(parse="completed", validate="requested", chunk="requested")
    found = weighed(state, validate="lagging_consumer", chunk="no_gpu")

    assert ("no_gpu", "chunk") == (found.cause, found.stage)
    assert "also open: validate (lagging_consumer)" in (found.waiting_on or "")


def test_until_leaves_out_a_join_that_is_not_wanted() -> None:
    """A join behind ``until`` waits for nothing."""
    state = at(parse="completed", validate="requested", chunk="completed").model_copy(update={"until": "validate"})

    assert "in_work" == weighed(state, validate="in_work").cause


def test_a_pause_that_will_hold_the_next_stage_is_told() -> None:
    """A paused job whose stage is still in work will be held after it."""
    state = at(parse="requested").model_copy(update={"paused": True})

    assert "`medkg resume --job j1`" in (weighed(state, parse="in_work").waiting_on or "")


def test_a_job_that_waits_for_nothing_is_run_again() -> None:
    """A running job of which nothing is open has lost something; it is asked for again."""
    found = weighed(at(parse="completed"))

    assert "record_gone" == found.cause
    assert "`medkg job rerun j1`" in found.next_action


@given(
    st.sampled_from(["requested", "deferred", "completed"]),
    st.sampled_from(["requested", "completed"]),
    st.lists(st.sampled_from([cause.value for cause in Cause]), min_size=2, max_size=2),
)
def test_the_explanation_is_that_of_an_open_node(validate: str, chunk: str, causes: list[str]) -> None:
    """Whatever is open: the cause is one of the findings', or the join's, and every open node is mentioned."""
    state = at(parse="completed", validate=validate, chunk=chunk)
    open_ = [node.name for node in open_nodes(PLAN, state)]
    given_causes = dict(zip(open_, causes, strict=False))
    found = weighed(state, **given_causes)

    assert found.cause in {*map(Cause, given_causes.values()), Cause.JOIN_WAITS, Cause.RECORD_GONE}
    text = f"{found.summary} {found.stage} {found.waiting_on}"
    assert [] == [name for name in open_ if name not in text]
