"""What a work of OpenAlex (https://docs.openalex.org/api-entities/works) says, field by field; no model is asked."""

from medkg_contracts.ir import Document

from medkg_extract.gathering import Gathering
from medkg_extract.record import Field

from .people import authors
from .subjects import subjects
from .surroundings import surroundings
from .work import work_of


def facts(document: Document, record: Field) -> Gathering:
    """All facts of a work; what is of another form than OpenAlex's is left out and counted."""
    work = work_of(document, record)
    for part in (authors, subjects, surroundings):
        part(work)
    return work.facts
