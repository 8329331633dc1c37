"""The running product, shared by all end-to-end tests."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from medkg_cli.settings import CliSettings
from medkg_cli.topics import provision_topics
from medkg_stack import Stack
from medkg_stack.ports import free_port

from .spine import REPOSITORY, Spine


@pytest.fixture(scope="session")
def spine(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spine]:
    """Kafka, Redis, OpenSearch, the router, every stage service and the replay source, as processes."""
    stack.up()
    folder: Path = tmp_path_factory.mktemp("spine")
    spine = Spine(stack, folder, free_port())
    settings = CliSettings(**spine.settings.model_dump(), asyncapi=REPOSITORY / "asyncapi")
    asyncio.run(provision_topics(settings))
    spine.start_all()
    yield spine
    spine.services.stop()


@pytest.fixture(scope="session")
def nct_ids(spine: Spine) -> list[str]:
    """The ids of all recorded studies, as the source itself lists them."""
    base = f"{spine.environment['MK_CTGOV_URL']}/api/v2/studies"
    answer = httpx.get(base, params={"pageSize": 1000, "fields": "NCTId"}, timeout=30).raise_for_status().json()
    return [study["protocolSection"]["identificationModule"]["nctId"] for study in answer["studies"]]
