"""The running product, shared by all end-to-end tests."""

from collections.abc import Iterator

import pytest
from medkg_testing import LocalStack, local_stack
from medkg_testing.processes import ServerProcesses
from medkg_testing.servers import Servers

from tests.studies import hurried


@pytest.fixture(scope="package")
def product(
    request: pytest.FixtureRequest, medkg_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalStack]:
    """This session's product where it is processes, which these tests kill; one of their own where it is containers."""
    if isinstance(medkg_servers, ServerProcesses):
        yield hurried(request.getfixturevalue("medkg_stack"))
        return
    with local_stack(tmp_path_factory.mktemp("product")) as product:
        yield hurried(product)


@pytest.fixture(scope="package")
def nct_ids(product: LocalStack) -> list[str]:
    """The ids of all recorded studies."""
    return product.recorded()
