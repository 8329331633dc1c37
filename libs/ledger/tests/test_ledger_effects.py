"""What comes with a job's next state, from several decisions in a row."""

from hypothesis import given
from hypothesis import strategies as st
from medkg_ledger import NO_EFFECTS, Effects

EFFECTS = st.builds(
    Effects,
    timers=st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(0, 9), max_size=3),
    settled=st.lists(st.tuples(st.just("gpu"), st.sampled_from("abc")), max_size=2, unique=True).map(tuple),
    fence=st.none() | st.integers(0, 9),
    hold=st.sampled_from([None, True, False]),
)


@given(EFFECTS, EFFECTS, EFFECTS)
def test_effects_add_up_in_any_grouping(one: Effects, two: Effects, three: Effects) -> None:
    """However decisions are put together, the same comes of them; nothing added changes nothing."""
    assert one.then(two).then(three) == one.then(two.then(three))
    assert one == one.then(NO_EFFECTS) == NO_EFFECTS.then(one)


def test_the_last_word_on_a_timer_holds() -> None:
    """A timer that is started and over within one batch is over, and the other way round."""
    started, over = Effects(timers={"gate": 5}), Effects(timers={"gate": None})

    assert [{"gate": None}, {"gate": 5}] == [started.then(over).timers, over.then(started).timers]
