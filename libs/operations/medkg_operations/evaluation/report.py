"""What an evaluation found, as JSON and as a picture."""

from pathlib import Path

import orjson
from medkg_contracts.errors import InvalidRequest
from medkg_contracts.model import Contract

from .plot import bar_charts
from .retrieval import Speed
from .tuning import Tuning


class ArmReport(Contract):
    """One arm, or the fusion of all.

    Attributes:
        measures: each measure's mean over the queries.
        speed: how fast it answered.
    """

    measures: dict[str, float]
    speed: Speed


class CorpusReport(Contract):
    """What was searched.

    Attributes:
        name: the folder's name.
        sha256: tells this corpus from every other.
        documents: how many there are.
        wordless: where rows stand that have neither title nor text, and so are in no index.
        tenant: whose index has it.
        topologies: by which it went there, as ``name@digest``.
        before: how many documents were in the index before.
        sent: how many were sent.
        seconds: that it took to index them.
    """

    name: str
    sha256: str
    documents: int
    wordless: list[str]
    tenant: str
    topologies: list[str]
    before: int
    sent: int
    seconds: float


class EvaluationReport(Contract):
    """An evaluation.

    Attributes:
        corpus: what was searched.
        split: whose queries were asked.
        queries: how many those were.
        judgments: how many judgments there are of them.
        absent: ids of documents that are judged and not in the corpus, so that nothing can find them.
        cut: ids of the queries that are longer than a search reads, and were asked without their ends.
        arms: by name; the fusion of all is ``fusion``, and what a reranker makes of it ``reranked``.
        tuning: of the fusion's weights, where it was asked for.
    """

    corpus: CorpusReport
    split: str
    queries: int
    judgments: int
    absent: list[str] = []
    cut: list[str] = []
    arms: dict[str, ArmReport]
    tuning: Tuning | None = None


def write_report(report: EvaluationReport, file: Path) -> Path:
    """Write the report as JSON, and a picture of it beside it; the picture.

    Raises:
        InvalidRequest: nothing can be written there.
    """
    picture = file.with_suffix(".svg")
    try:
        file.write_bytes(orjson.dumps(report.model_dump(mode="json"), option=orjson.OPT_INDENT_2))
        picture.write_text(report_plot(report), encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be written: {error.strerror}", remedy="Name another file.") from error
    return picture


def report_plot(report: EvaluationReport) -> str:
    """Bars of each measure and of the time, by arm, as SVG."""
    charts = {
        f"{name}, {report.corpus.name}": {arm: each.measures[name] for arm, each in report.arms.items()}
        for name in next(iter(report.arms.values())).measures
    }
    times = {arm: each.speed.p95_ms for arm, each in report.arms.items()}
    return bar_charts(charts, {"p95 of a query, in milliseconds": times})
