"""The grouping of samples by package."""

import pytest

from tests.benchmarks.profile import Sampled, by_module, heaviest, module_of


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/x/libs/routing/medkg_routing/advance.py", "medkg_routing"),
        ("/x/.venv/lib/python3.11/site-packages/medkg_ledger/store.py", "medkg_ledger"),
        ("/x/.venv/lib/python3.11/site-packages/aiokafka/client.py", "aiokafka"),
        ("/x/.venv/lib/python3.11/site-packages/pydantic_core/core.py", "pydantic"),
        ("/x/.venv/lib/python3.11/site-packages/uvloop/__init__.py", "asyncio/uvloop"),
        ("/usr/lib/python3.11/asyncio/queues.py", "asyncio/uvloop"),
        ("/usr/lib/python3.11/copy.py", "standard library"),
        ("<frozen runpy>", "standard library"),
        ("/x/tests/benchmarks/noop.py", "other"),
    ],
)
def test_module_of_names_the_package(path: str, expected: str) -> None:
    """A file belongs to our package, an installed one, the standard library, or none of them."""
    assert expected == module_of(path)


def test_shares_add_up_to_one_largest_first() -> None:
    """Samples of one package are counted together."""
    samples = [
        Sampled("/s/site-packages/redis/a.py", "f", 1),
        Sampled("/s/site-packages/aiokafka/a.py", "f", 1),
        Sampled("/s/site-packages/aiokafka/b.py", "g", 2),
    ]
    assert {"aiokafka": 0.75, "redis": 0.25} == by_module(samples)


def test_heaviest_lists_functions_with_their_package() -> None:
    """Only as many as were asked for, with their share of all samples."""
    samples = [Sampled("/s/site-packages/redis/a.py", "f", 3), Sampled("/s/site-packages/redis/a.py", "g", 1)]
    assert {"redis: f": 0.75} == heaviest(samples, 1)
