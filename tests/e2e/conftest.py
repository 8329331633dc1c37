"""The running product, shared by all end-to-end tests."""

from collections.abc import Iterator

import pytest
from medkg_stack import Ports, Stack

from .spine import Spine, running


@pytest.fixture(scope="package")
def spine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spine]:
    """The product on one broker.

    Its servers are not those that other tests share: here the whole content of topics and ledger is compared.
    """
    stack = Stack(tmp_path_factory.mktemp("spine-servers"), Ports.free(), report=lambda _: None)
    with running(stack, tmp_path_factory.mktemp("spine")) as spine:
        yield spine


@pytest.fixture(scope="package")
def nct_ids(spine: Spine) -> list[str]:
    """The ids of all recorded studies."""
    return spine.recorded()
