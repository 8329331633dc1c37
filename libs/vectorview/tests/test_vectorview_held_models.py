"""A model that was made live is used once the vectors that it needs have been read."""

from medkg_vectorview.held_models import HeldModels

from .changelog import MODEL, live


def test_a_live_model_is_held_until_every_partition_has_been_read() -> None:
    """Up to where it stood when the model was told; and until somebody has looked where that is."""
    held = HeldModels()
    held.add(live(MODEL, 1))
    unknown = held.reached({0: 99, 1: 99})
    held.ends = {0: 5, 1: 7}

    assert (False, False, True) == (unknown, held.reached({0: 5, 1: 6}), held.reached({0: 5, 1: 7}))


def test_one_that_comes_later_is_waited_for_anew() -> None:
    """Its vectors may stand behind what was looked up for the one before."""
    held = HeldModels()
    held.add(live(MODEL, 1))
    held.ends = {0: 5}
    held.add(live(MODEL, 2))

    assert not held.reached({0: 5})
    assert [1, 2] == [each.order for each in held.all()]


def test_nothing_held_is_never_reached() -> None:
    """There is nothing to do."""
    assert not HeldModels().reached({0: 1})
