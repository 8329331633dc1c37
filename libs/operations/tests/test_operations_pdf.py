"""How far a job is with its PDF."""

import pytest
from medkg_contracts.artifacts import ArtifactRef
from medkg_ledger import JobState, NodeState, NodeStatus
from medkg_operations.pdf import GATE_TOPIC, PdfProgress, pdf_progress
from medkg_topology.plan import GateNode, Plan, StageNode

PDF = ArtifactRef(name="pdf", sha256="0" * 64, size=1, uri="artifact://public/" + "0" * 64)
ASKED = NodeState(status=NodeStatus.REQUESTED, epoch=1)
OPENED = NodeState(status=NodeStatus.OPENED, epoch=1)


def plan(topic: str) -> Plan:
    return Plan(
        name="papers",
        version="1",
        nodes=(
            StageNode(name="download", type="Stage", service="download", outputs=("pdf",)),
            GateNode(name="mineru", event_topic=topic, depends_on=("download",), deadline_s=900),
            StageNode(name="chunk", type="ChunkStage", service="chunk", depends_on=("mineru",)),
        ),
    )


def job(nodes: dict[str, NodeState], **artifacts: ArtifactRef) -> JobState:
    return JobState(
        job_id="j-1", tenant_id="public", doc_id="pmc:1", correlation_id="c", created_at=0, updated_at=0,
        nodes=nodes, artifacts=artifacts,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (job({"download": ASKED}), PdfProgress(False, False, False)),
        (job({"download": ASKED}, pdf=PDF), PdfProgress(True, False, False)),
        (job({"mineru": OPENED}, pdf=PDF), PdfProgress(True, True, False)),
        (job({"mineru": OPENED, "chunk": ASKED}, pdf=PDF), PdfProgress(True, True, True)),
    ],
)
def test_it_follows_the_pdf_gate(state: JobState, expected: PdfProgress) -> None:
    """A PDF is there, then MinerU has read it, then what had waited for that goes on."""
    assert expected == pdf_progress(state, plan(GATE_TOPIC))


def test_a_topology_without_the_gate_has_no_such_progress() -> None:
    """Whatever its artifacts are called, a job that waits for no PDF has none."""
    assert None is pdf_progress(job({"download": ASKED}, pdf=PDF), plan("other.done.v1"))
