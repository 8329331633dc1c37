"""The benchmark itself, briefly; it asserts no time."""

import json
from pathlib import Path

import pytest

from tests.benchmarks.bench import main
from tests.benchmarks.services import IDLE_SERVICES, MODELS


@pytest.mark.benchmark
def test_the_benchmark_runs_from_end_to_end(tmp_path: Path) -> None:
    """A quick run measures both sides, all latencies, both profiles, every idle service and documents."""
    file = tmp_path / "report.json"
    main(["--quick", "--json", str(file)])
    report = json.loads(file.read_text())
    assert 1 + 8 + 3 * 8 + 1 == report["records_per_job"]
    assert {"router", "stages"} == report["profiles"].keys()
    assert set(IDLE_SERVICES) == report["idle"].keys()
    assert report["latency"]["whole"]["count"] == report["latency"]["hops"]["whole hop"]["count"] / 8
    assert MODELS.keys() == report["weights_mb"].keys()
    assert report["documents"]["words"]["jobs"] == report["documents"]["vectors"]["jobs"]
    assert report["share_of_relay"] == report["product"]["jobs_per_s"] / report["relay"]["jobs_per_s"]
