"""Files that are made to do harm: each is refused as any other, in little memory."""

import tracemalloc
from collections.abc import Callable, Sequence
from typing import Final

import pytest
from medkg_contracts.policy import Policy
from medkg_topology.admission import compile_admission
from medkg_topology.compile import compile_topology
from medkg_topology.policies import compile_policies
from medkg_topology.problems import Problem
from medkg_topology.source import Source, read_source

#: Bytes that reading and compiling may take at their peak, whatever the file.
MOST: Final = 16_000_000
HEAD: Final = 'version: "1.0"\nname: x\nstages:\n'


def laughs(depth: int) -> str:
    """Aliases of aliases: eight to the power of ``depth`` values, in a few lines."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, depth)]
    return "\n".join(lines)


def strangers(stages: int, needs: int) -> str:
    """Stages that all depend on the same names, none of which is there."""
    first = f"&all [{', '.join(f'u{n}' for n in range(needs))}]"
    return HEAD + "".join(
        f"  - {{name: s{n}, type: Stage, outputs: [o{n}], depends_on: {'*all' if n else first}}}\n"
        for n in range(stages)
    )


READERS: Final[dict[str, Callable[[Source], Sequence[Problem]]]] = {
    "topology": lambda source: compile_topology(source, {"default": Policy()}).problems,
    "policies": lambda source: compile_policies(source).problems,
    "admission": lambda source: compile_admission(source, ["index", "ingest"]).problems,
}
FILES: Final = {
    "aliases of aliases": ("topology", laughs(8)),
    "ten megabytes": ("topology", "name: " + "x" * 10_000_000),
    "ten thousand nested lists": ("topology", "[" * 10_000),
    "ten thousand nested lists that are closed": ("policies", "policies: " + "[" * 10_000 + "]" * 10_000),
    "ten thousand nested mappings": ("admission", "{a: " * 10_000),
    "ten thousand nested entries": ("topology", "- " * 10_000),
    "an anchor that holds itself": ("topology", "a: &a [*a, *a]"),
    "a key that stands ten thousand times": ("policies", "a: 1\n" * 10_000),
    "fields that nobody knows": ("topology", "".join(f"nane{n}: 1\n" for n in range(2400))),
    "a number of sixty thousand digits": ("admission", "window: " + "9" * 60_000),
    "stages that depend on strangers": ("topology", strangers(60, 60)),
    "a list that says one thing": (
        "topology",
        HEAD + f"  - {{name: a, type: Stage, outputs: [{', '.join(['o'] * 4900)}]}}\n",
    ),
    "a long name that is wrong sixty times": (
        "topology",
        HEAD
        + f"  - {{name: a, type: IngestStage, policy: &p {'x' * 50_000}}}\n"
        + "".join(f"  - {{name: b{n}, type: Wrong, policy: *p}}\n" for n in range(60)),
    ),
    "policies that contradict themselves": (
        "policies",
        "policies:\n" + "".join(f"  p{n}: {{timeout: 1s, attempts: 1, jitter: 1s, burst: 2}}\n" for n in range(400)),
    ),
    "windows of strangers": ("admission", "windows: {" + ", ".join(f"indx{n}: 1" for n in range(2400)) + "}\n"),
}


@pytest.mark.parametrize(("kind", "text"), FILES.values(), ids=FILES.keys())
def test_a_harmful_file_is_refused_in_little_memory(kind: str, text: str) -> None:
    """Whatever is in a file, the answer is a problem, and the memory stays flat."""
    content = text.encode()
    tracemalloc.start()
    try:
        problems = READERS[kind](read_source("x.yaml", content))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert problems
    assert peak < MOST
