"""How far a job is with its PDF, as a view: the engine knows gates and stages, and nothing of PDFs."""

from dataclasses import dataclass
from typing import Final

from medkg_contracts import topics
from medkg_ledger import JobState, NodeStatus
from medkg_topology.plan import Plan

#: Where MinerU says that it has read a PDF; waiting for it is the PDF gate.
GATE_TOPIC: Final = topics.done("mineru")


@dataclass(frozen=True, slots=True)
class PdfProgress:
    """How far a job is with its PDF.

    Attributes:
        pdf_downloaded: there is one.
        pdf_ir_ready: MinerU has read it.
        post_pdf_started: a stage that had waited for that was asked.
    """

    pdf_downloaded: bool
    pdf_ir_ready: bool
    post_pdf_started: bool


def pdf_progress(state: JobState, plan: Plan) -> PdfProgress | None:
    """How far the job is with its PDF; None when its topology waits for none."""
    gates = plan.gates_by_topic.get(GATE_TOPIC, ())
    if not gates:
        return None
    opened = {gate.name for gate in gates if state.node(gate.name).status is NodeStatus.OPENED}
    after = [node.name for node in plan.nodes if opened & set(node.depends_on)]
    return PdfProgress(
        pdf_downloaded="pdf" in state.artifacts,
        pdf_ir_ready=bool(opened),
        post_pdf_started=any(state.node(name).epoch for name in after),
    )
