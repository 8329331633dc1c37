"""Generated topologies: random DAGs of stages and gates, their nodes in topological order."""

from hypothesis import strategies as st
from medkg_topology.plan import GateNode, Plan, StageNode

from .telling import MINERU, plan

MOST_NODES = 12


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A topology of up to twelve nodes."""
    nodes: list[StageNode | GateNode] = []
    behind: dict[str, frozenset[str]] = {}
    made: dict[str, tuple[str, ...]] = {}
    for number in range(draw(st.integers(1, MOST_NODES))):
        name = f"n{number}"
        needs = tuple(sorted(draw(st.sets(st.sampled_from(sorted(behind)), max_size=3)) if behind else ()))
        behind[name] = frozenset(needs).union(*(behind[need] for need in needs))
        offered = sorted(artifact for need in behind[name] for artifact in made[need])
        takes = tuple(sorted(draw(st.sets(st.sampled_from(offered), max_size=3)) if offered else ()))
        made[name] = tuple(f"{name}-{letter}" for letter in "ab"[: draw(st.integers(0, 2))])
        parts = (name, needs, takes, made[name])
        nodes.append(draw(_gates(*parts)) if draw(_OFTEN) else draw(_stages(*parts)))
    return plan(*nodes)


_OFTEN = st.sampled_from([False, False, False, True, True])


def _stages(
    name: str, needs: tuple[str, ...], takes: tuple[str, ...], makes: tuple[str, ...]
) -> st.SearchStrategy[StageNode]:
    return st.builds(
        StageNode,
        name=st.just(name),
        type=st.just("Stage"),
        service=st.sampled_from([name, "shared"]),
        depends_on=st.just(needs),
        inputs=st.just(takes),
        outputs=st.just(makes),
    )


def _gates(
    name: str, needs: tuple[str, ...], takes: tuple[str, ...], makes: tuple[str, ...]
) -> st.SearchStrategy[GateNode]:
    return st.builds(
        GateNode,
        name=st.just(name),
        event_topic=st.sampled_from([f"{name}-gate.done.v1", MINERU]),
        request_topic=st.sampled_from([None, f"{name}.queue.v1"]),
        depends_on=st.just(needs),
        inputs=st.just(takes),
        outputs=st.just(makes),
        deadline_s=st.integers(1, 100),
        on_timeout=st.sampled_from(["fail", "continue"]),
    )
