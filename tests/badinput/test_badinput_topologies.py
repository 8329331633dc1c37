"""A file that is no topology is refused with lines and reasons, soon and with little memory, whatever it holds."""

import tracemalloc
from collections.abc import Sequence
from datetime import timedelta
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.errors import TopologyInvalid
from medkg_contracts.policy import Policy
from medkg_topology.admission import compile_admission
from medkg_topology.compile import compile_topology
from medkg_topology.policies import compile_policies
from medkg_topology.problems import Problem, refusal
from medkg_topology.source import Source, read_source

from .bombs import BOMBS
from .seeds import REPOSITORY

#: Nobody is to wait for one file longer than this: the router reads it between two batches.
BOUND = timedelta(seconds=10)

#: One file may need this much while it is read, in bytes.
MOST_MEMORY = 64 * 2**20

#: And this much of the processor while its memory is traced, which makes it three times as slow.
MOST_WORK_S = 30

POLICIES = {"default": Policy()}

SHIPPED: Sequence[str] = [
    file.read_text() for file in sorted((REPOSITORY / "topologies").rglob("*.yaml")) if "versions" not in file.parts
]
TOKENS = [
    *(
        "&a ",
        "*a",
        "<<: *a",
        "!!str ",
        "!!python/object:os.system ",
        "!",
        "%YAML 1.1\n",
        "---\n",
        "...\n",
        "? ",
        "- ",
        ": ",
    ),
    *("{", "}", "[", "]", "|\n", ">-\n", '"', "'", "#", "\t", "\x00", "\ufeff", "\u2028", "\\ud800", "\\UFFFFFFFF"),
    *("1" * 400, "1e999", "NaN", ".inf", "-1", "0x1", "null", "true", "~", "15m", "5/s", "x" * 300, "é"),
    *(
        "stages:\n",
        "  - name: ingest\n",
        "depends_on: [ingest]\n",
        "rollout: {percent: 0}\n",
        "type: Gate\n",
        "window: 0\n",
    ),
]


def refusals(content: bytes) -> list[Problem]:
    """Why the file is no topology, why it is no list of policies, and why it has no admission settings."""
    source: Source = read_source("x.yaml", content)
    topology = compile_topology(source, POLICIES)
    policies = compile_policies(source)
    admission = compile_admission(source, ["ingest", "index"])
    for refused, problems in (
        (topology.plan is None, topology.problems),
        (not policies.policies, policies.problems),
        (admission.admission is None, admission.problems),
    ):
        assert refused == bool(problems), "a file is refused with reasons, or taken"
    if topology.plan is None:
        with pytest.raises(TopologyInvalid):
            topology.require()
    return [*topology.problems, *policies.problems, *admission.problems]


@st.composite
def damaged_files(draw: st.DrawFn) -> str:
    """A shipped file with up to six wounds: tokens put in, lines taken out, doubled or changed places."""
    lines = draw(st.sampled_from(SHIPPED)).splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 3)):
            case 0:
                cut = draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:cut] + draw(st.sampled_from(TOKENS)) + lines[at][cut:]
            case 1 if len(lines) > 1:
                del lines[at]
            case 2:
                lines.insert(draw(st.integers(0, len(lines))), lines[at])
            case _:
                lines[at] = f"{lines[at].partition(': ')[0]}: {draw(st.sampled_from(TOKENS))}\n"
    return "".join(lines)


def tell(problems: list[Problem]) -> str:
    """The refusal as people and events are told of it."""
    return refusal(problems).info.message if problems else ""


@pytest.mark.parametrize("text", SHIPPED)
def test_undamaged_files_are_read(text: str) -> None:
    """What the damage starts from is good YAML, so that it is the damage that is tested."""
    assert () == read_source("x.yaml", text.encode()).problems


@settings(max_examples=15 * settings().max_examples, deadline=BOUND)
@given(damaged_files())
def test_a_damaged_file_is_taken_or_refused(text: str) -> None:
    """Whatever happened to a file, each fault has a line of it and words that can be written."""
    problems = refusals(text.encode(errors="replace"))

    assert all(1 <= problem.line <= len(text.splitlines()) + 2 for problem in problems)
    assert tell(problems).encode() is not None


@settings(max_examples=10 * settings().max_examples, deadline=BOUND)
@given(st.lists(st.sampled_from(TOKENS) | st.text(max_size=5), max_size=30).map("".join))
def test_tokens_in_any_order_are_taken_or_refused(text: str) -> None:
    """No sequence of YAML's own signs is more than a refused file."""
    assert tell(refusals(text.encode(errors="surrogatepass"))).encode() is not None


@settings(max_examples=5 * settings().max_examples, deadline=BOUND)
@given(st.binary(max_size=300))
def test_any_bytes_are_taken_or_refused(content: bytes) -> None:
    """Nor are bytes that were never text."""
    assert tell(refusals(content)).encode() is not None


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused(name: str) -> None:
    """A file that is small and means much is refused, and never held in memory as what it means."""
    tracemalloc.start()
    began = process_time()
    try:
        problems = refusals(BOMBS[name].encode(errors="surrogatepass"))
        spent = process_time() - began
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert problems
    assert most < MOST_MEMORY
    assert spent < MOST_WORK_S
