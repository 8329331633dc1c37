"""The stage `slow`, as a service of its own package, on servers whose other consumers do nothing meanwhile."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from medkg_testing import LocalStack, local_stack

from .scenario import TOPOLOGIES

#: What has the package of the stage.
FOLDER = Path(__file__).parent


@pytest.fixture(scope="package")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The router, and the stage's consumers as the tests scale them."""
    with (
        pytest.MonkeyPatch.context() as patch,
        local_stack(
            tmp_path_factory.mktemp("scaling"),
            TOPOLOGIES,
            parts=["kafka", "redis", "router"],
            environment={"PYTHONPATH": str(FOLDER)},
        ) as product,
    ):
        patch.syspath_prepend(FOLDER)
        yield product
