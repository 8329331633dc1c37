"""A stage is scaled as local processes."""

import pytest
from medkg_testing import LocalStack

from . import scenario

pytestmark = pytest.mark.integration


async def test_three_consumers_are_as_fast_as_three(deployment: LocalStack) -> None:
    """Three consumers do at least 2.7 times as many jobs of 50 ms a second as one does."""
    await scenario.three_are_as_fast_as_three(deployment)


async def test_scaling_under_load_loses_and_repeats_nothing(deployment: LocalStack) -> None:
    """One execution does each job while consumers come and go; their shares are even, and reported as they are."""
    await scenario.scaling_under_load_repeats_nothing(deployment, steps=(1, 3, 1, 2, 3, 2))
