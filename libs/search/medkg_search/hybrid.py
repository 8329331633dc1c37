"""What the search service is asked, and what it answers."""

from enum import StrEnum
from typing import Annotated, Final

from medkg_contracts.errors import ErrorInfo
from medkg_contracts.ir import Chunk
from medkg_contracts.model import Contract, Name, TenantId
from pydantic import Field

from .expansion import Expansion, ExpansionMatch
from .filters import SearchFilters
from .query import MAX_SIZE
from .syntax import MAX_QUERY

#: Where searches are posted.
SEARCH_PATH: Final = "/v1/search"
#: Where what is like a chunk is asked for.
SIMILAR_PATH: Final = "/v1/similar"
#: The header that may name the tenant instead of the body.
TENANT_HEADER: Final = "X-Medkg-Tenant"
#: The longest cursor that is read; the longest that is given is shorter.
MAX_CURSOR: Final = 65_536


class Arm(StrEnum):
    """A way to find chunks: by words, by weighted terms of a model, by meaning."""

    BM25 = "bm25"
    SPLADE = "splade"
    DENSE = "dense"


class Facet(StrEnum):
    """What chunks are counted by; a date by its year."""

    SOURCE = "source"
    SECTION = "section_type"
    STATUS = "status"
    PHASE = "phase"
    MESH = "mesh"
    ENTITY = "entities"
    DATE = "date"


class Asked(Contract):
    """What every search says.

    Attributes:
        tenant: whose documents; mandatory here or as `TENANT_HEADER`.
        filters: which chunks are looked at.
        size: hits on a page.
        cursor: continues where the page that gave it ended.
        arms: which arms are asked; all that have a weight, unless it is given.
    """

    tenant: TenantId | None = None
    filters: SearchFilters = SearchFilters()
    size: Annotated[int, Field(ge=1, le=MAX_SIZE)] = 10
    cursor: Annotated[str, Field(max_length=MAX_CURSOR)] | None = None
    arms: Annotated[tuple[Arm, ...], Field(min_length=1, max_length=len(Arm))] | None = None


class HybridRequest(Asked):
    """A search for what a query says.

    Attributes:
        query: in the syntax of `medkg_search`'s queries.
        facets: count by these fields all chunks that pass the filters and match the query's words.
        model: the name of the model by whose vectors the dense arm searches, where the tenant has those of two; the one
            that its searches use, unless it is given.
        expand: vocabularies, such as ``mesh``: where the query's words are a name of one of their terms, the arm of
            words looks for its other names and for what is below it, too; so do filters by entities.
    """

    query: Annotated[str, Field(min_length=1, max_length=MAX_QUERY)]
    facets: Annotated[tuple[Facet, ...], Field(max_length=len(Facet))] = ()
    model: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    expand: Annotated[tuple[Name, ...], Field(max_length=8)] = ()


class SimilarRequest(Asked):
    """A search for what is like a chunk or a document, in other documents.

    Attributes:
        like: what others are to be like: the id of a record or of a chunk, as hits have them, or of a document, such as
            ``ctgov:NCT02349698``; a document's NCT number, PMID, DOI or acronym does, too.
    """

    like: Annotated[str, Field(min_length=1, max_length=MAX_QUERY)]


class Place(Contract):
    """Where a hit stands in one ranking.

    Attributes:
        rank: from 1.
        score: the ranking's own; comparable within it only.
    """

    rank: Annotated[int, Field(ge=1)]
    score: float


class HybridHit(Contract):
    """A chunk that was found.

    Attributes:
        rank: among all hits of the search, from 1.
        record_id: the index's record: the chunk in one version of its document.
        score: of the fusion, from 0 to 1: 1 is the first hit of every arm.
        arms: where each arm that has found it has it.
        named: whether the query names it: by the id, the acronym or the title of its document, or by a name that no
            other document has. Such hits come first, whatever their score.
        rerank: where the reranker has it; None where none was asked, or it failed.
        snippets: at most 3 passages of the text as HTML: ``<em>`` around what matched, all else escaped.
        expanded: what it has of the query's expansions, in whichever arm it was found.
    """

    rank: Annotated[int, Field(ge=1)]
    record_id: str
    chunk: Chunk
    score: float
    arms: dict[Arm, Place]
    named: bool = False
    rerank: Place | None = None
    snippets: list[str]
    expanded: list[ExpansionMatch] = []


class FacetCount(Contract):
    """How often a value of a field occurs.

    Attributes:
        value: as a filter takes it.
        chunks: that have it.
        documents: that these chunks are of; nearly exact where there are thousands.
        name: of an entity, if a vocabulary of the service has it.
    """

    value: str
    name: str | None = None
    chunks: Annotated[int, Field(ge=0)]
    documents: Annotated[int, Field(ge=0)]


class PartialFailure(Contract):
    """What an answer lacks.

    Attributes:
        arm: the arm, ``rerank`` or ``facets``.
        code: one of `medkg_contracts.errors`.
        message: what happened.
        remedy: what a person does about it.
    """

    arm: str
    code: str
    message: str
    remedy: str


class HybridPage(Contract):
    """Some hits of a search, best first.

    Attributes:
        hits: of this page.
        total: hits in all pages; a search keeps the first of each arm, so it has no more than they together.
        cursor: gives the next page; None when this is the last.
        facets: for each field that was asked for its values: the most frequent first, years from the last to the first.
        partial: what the answer lacks; empty for a whole one.
        took_ms: milliseconds that each arm took, and the whole.
        weights: what a rank of each arm that was asked counts in the fusion.
        expansions: what was looked for beside the query's words.
    """

    hits: list[HybridHit]
    total: Annotated[int, Field(ge=0)]
    cursor: str | None
    facets: dict[Facet, list[FacetCount]] = {}
    partial: list[PartialFailure]
    took_ms: dict[str, float]
    weights: dict[Arm, float] = {}
    expansions: list[Expansion] = []


class Refusal(Contract):
    """The answer to a request that cannot be answered."""

    error: ErrorInfo
