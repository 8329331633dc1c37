"""The validate stage behaves as every stage does."""

from pathlib import Path

from medkg_contracts.ir import Document
from medkg_stagekit.testing import ComputingStageSuite, Example
from medkg_validate import app

DOCUMENTS = [
    Document.model_validate_json(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "data").glob("*.json"))
]


class TestValidateStageSuite(ComputingStageSuite):
    service = app.service
    stage_type = "ValidateStage"
    examples = tuple(Example({"document": document}) for document in DOCUMENTS)
    refused = Example({"document": DOCUMENTS[0].model_copy(update={"title": ""})})
