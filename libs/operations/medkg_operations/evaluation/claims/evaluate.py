"""The whole evaluation of claims."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from medkg_artifacts import SYSTEM_TENANT, ArtifactStore
from medkg_claims import ClaimReader, LlmSettings, StoredAnswers
from medkg_contracts.errors import ConfigurationError

from .collection import Annotated, read_annotated
from .findings import Findings, of_artifacts, read_claims, read_directions
from .page import page
from .report import ClaimsReport, report_on

#: Is told how many articles are done, of how many.
Progress: TypeAlias = Callable[[int, int | None], None]

#: What a model may be asked for.
Task = Literal["claims", "direction", "both"]

#: An article has at most so many passages: what limits a document in the extract stage is not measured here.
_ALL: Final = 10_000


@dataclass(frozen=True, slots=True)
class ClaimsEvaluation:
    """What is to be measured.

    Attributes:
        folder: of the annotated articles.
        artifacts: what was extracted; None asks the model that the settings name.
        task: what the model is asked for.
        articles: so many of them, at most; None is all.
        threshold: names that are at least so alike are the same.
    """

    folder: Path
    artifacts: Path | None
    task: Task
    articles: int | None
    threshold: float


async def evaluate_claims(
    settings: LlmSettings, wanted: ClaimsEvaluation, progress: Progress
) -> tuple[ClaimsReport, str]:
    """The numbers, and a page (HTML) on which the annotated and the found stand side by side.

    Answers are kept in the artifact store, so that the same evaluation asks nothing the second time.

    Raises:
        InvalidInput: the folder or the artifacts are not what they should be.
        ConfigurationError: no model is named, or the server does not have it.
        ModelServerUnavailable: its server does not answer.
    """
    annotated = read_annotated(wanted.folder)
    annotated = Annotated(annotated.name, annotated.articles[: wanted.articles], annotated.left_out)
    if wanted.artifacts is not None:
        findings = of_artifacts(wanted.artifacts, annotated)
        report = report_on(annotated, findings, wanted.threshold)
    else:
        report, findings = await _asked(settings, wanted, annotated, progress)
    return report, page(report, findings)


async def _asked(
    settings: LlmSettings, wanted: ClaimsEvaluation, annotated: Annotated, progress: Progress
) -> tuple[ClaimsReport, list[Findings]]:
    if not settings.extract_llm_url:
        raise ConfigurationError(
            "there is neither a model to ask nor a file of claims to look at",
            remedy="Name the model's server (--url, or MK_EXTRACT_LLM_URL), or what was extracted (--predictions).",
        )
    reader = ClaimReader(settings.extract_llm_url, settings.model_copy(update={"extract_llm_chunks": _ALL}))
    answers = StoredAnswers(ArtifactStore.from_url(settings.artifacts_url), SYSTEM_TENANT)
    findings = []
    try:
        await reader.open()
        for done, article in enumerate(annotated.articles):
            progress(done, len(annotated.articles))
            each = Findings(article) if wanted.task == "direction" else await read_claims(reader, article, answers)
            if wanted.task != "claims":
                await read_directions(reader, each, answers)
            findings.append(each)
    finally:
        await reader.close()
    asked = {"model": reader.model, "requests": reader.usage.requests, "recalled": reader.usage.recalled}
    return report_on(annotated, findings, wanted.threshold).model_copy(update=asked), findings
