"""The running product, shared by all end-to-end tests."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from medkg_cli.settings import CliSettings
from medkg_cli.topics import provision_topics
from medkg_stack import Ports, Stack
from medkg_stack.ports import free_port

from .spine import REPOSITORY, Spine


@pytest.fixture(scope="package")
def spine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spine]:
    """Kafka, Redis, OpenSearch, the router, every stage service and the replay source, as processes of their own.

    They are not the servers that other tests share: here the whole content of topics and ledger is compared.
    """
    stack = Stack(tmp_path_factory.mktemp("spine-servers"), Ports.free(), report=lambda _: None)
    stack.up()
    spine = Spine(stack, tmp_path_factory.mktemp("spine"), free_port())
    settings = CliSettings(**spine.settings.model_dump(), asyncapi=REPOSITORY / "asyncapi")
    asyncio.run(provision_topics(settings))
    spine.start_all()
    yield spine
    spine.services.stop()
    stack.wipe()


@pytest.fixture(scope="package")
def nct_ids(spine: Spine) -> list[str]:
    """The ids of all recorded studies, as the source itself lists them."""
    base = f"{spine.environment['MK_CTGOV_URL']}/api/v2/studies"
    answer = httpx.get(base, params={"pageSize": 1000, "fields": "NCTId"}, timeout=30).raise_for_status().json()
    return [study["protocolSection"]["identificationModule"]["nctId"] for study in answer["studies"]]
