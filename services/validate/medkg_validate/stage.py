"""The stage that checks documents against the rules of the intermediate representation."""

from typing import ClassVar

from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ir import Document, ValidationReport, Violation
from medkg_contracts.stages import StageContext

from .rules import RULES
from .settings import ValidateSettings

#: How long an error's message gets before it stops at rule names: all names, then details while they fit.
MAX_DETAILS = 1500


class RuleValidateStage:
    """Lets a document through that breaks no error rule, and reports its warnings."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("validation",)

    def __init__(self, settings: ValidateSettings) -> None:
        self._settings = settings

    async def execute(self, ctx: StageContext, document: Document) -> ValidationReport:  # noqa: ARG002
        """The report of a document that may go on.

        Raises:
            InvalidDocument: it breaks error rules; the message names all of them.
        """
        return validate(document)


def validate(document: Document) -> ValidationReport:
    """The report of a document that breaks no error rule.

    Raises:
        InvalidDocument: it breaks some; the message names all of them.
    """
    violations = [violation for rule in RULES for violation in rule.violations(document)]
    errors = [violation for violation in violations if violation.severity == "error"]
    if errors:
        raise InvalidDocument(_message(document, errors))
    return ValidationReport(document_id=document.id, violations=violations)


def _message(document: Document, errors: list[Violation]) -> str:
    names = ", ".join(dict.fromkeys(error.rule for error in errors))
    details = "; ".join(
        f"{error.rule}{'' if error.section_id is None else f' in section {error.section_id!r}'}: {error.message}"
        for error in errors
    )
    if len(details) > MAX_DETAILS:
        details = details[:MAX_DETAILS] + "..."
    return f"{document.id[:100]} breaks {names}. {details}"
