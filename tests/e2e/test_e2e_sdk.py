"""The Python SDK's example, against the whole product."""

import importlib.util

import pytest
from medkg_testing import LocalStack

from tests.shipped import REPOSITORY

pytestmark = pytest.mark.integration


async def test_the_guides_program_runs(
    product: LocalStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The guide's program asks for a job and a batch, waits for both, finds what they indexed, and what is like it."""
    for name, value in product.environment.items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location("sdk", REPOSITORY / "docs" / "examples" / "sdk.py")
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)

    await example.main()

    job, *progress, found, like = capsys.readouterr().out.splitlines()
    assert "completed chunks document index_receipt payloads" in job
    assert "5 of 5 {'completed': 5}" == progress[-1]
    assert " hits, the first in ctgov:NCT" in found
    assert like.startswith("like it: ctgov:NCT")
    assert found.split()[-1] not in like


async def test_a_batch_of_a_list_is_waited_for_with_its_items(product: LocalStack, nct_ids: list[str]) -> None:
    """A batch of a list has completed when all its items have; a list of one is a batch, too."""
    async with product.connect(tenant="sdk") as kg:
        batches = [await kg.submit_batch("ctgov", items, until="parse") for items in (nct_ids[:2], nct_ids[:1])]
        for batch in batches:
            await batch.completed(timeout=90)
        counts = [await batch.counts() for batch in batches]

    assert [(2, True), (1, True)] == [(each.expected, each.ended) for each in counts]
