"""Where the SPLADE stage needs a GPU."""

import pytest
from medkg_splade.app import service
from medkg_splade.settings import SpladeSettings


@pytest.mark.parametrize(
    ("accelerator", "url", "needed"),
    [
        ("cpu", "http://gpu-7.example:8001", True),
        ("cuda", "http://127.0.0.1:8001", True),
        ("cuda", "http://localhost:8001", True),
        ("cuda", "http://gpu-7.example:8001", False),
        ("cuda", "http://10.0.0.7:8001", False),
    ],
)
def test_a_gpu_is_needed_where_vllm_is(accelerator: str, url: str, needed: bool) -> None:
    """What MK_ACCELERATOR names has to be on this machine, unless vLLM runs the model on another one."""
    settings = SpladeSettings.model_validate({"accelerator": accelerator, "splade_url": url})

    assert needed == settings.needs_gpu_here()


@pytest.mark.parametrize(("accelerator", "expected"), [("cpu", 16), ("cuda", 64)])
def test_a_gpu_is_given_more_jobs_at_once(monkeypatch: pytest.MonkeyPatch, accelerator: str, expected: int) -> None:
    """Jobs of a batch end together, so that processors, which take seconds for one, are given fewer."""
    monkeypatch.setenv("MK_ACCELERATOR", accelerator)

    assert expected == service.batch_records
