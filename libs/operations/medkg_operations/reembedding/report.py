"""What became of a migration's step."""

from medkg_contracts.errors import ErrorInfo
from medkg_contracts.model import Contract
from medkg_contracts.vectors import EmbeddingModel

from .comparison import Comparison


class FillReport(Contract):
    """Vectors of another model beside those that searches use.

    Attributes:
        live: the model that searches use.
        beside: the other one.
        documents: that were filled.
        chunks: that were embedded.
        truncated: of them, those that were longer than the model takes, and were cut.
        seconds: that it took.
        per_second: chunks a second.
        failures: why documents could not be filled, by document.
        comparison: of what searches find by both; None where nobody has asked for it.
    """

    tenant: str
    live: EmbeddingModel
    beside: EmbeddingModel
    documents: int
    chunks: int
    truncated: int
    seconds: float
    per_second: float
    failures: dict[str, ErrorInfo] = {}
    comparison: Comparison | None = None


class SwitchReport(Contract):
    """Searches use another model.

    Attributes:
        live: the model that they use now.
        beside: the one that they can go back to.
        documents: that were filled before.
        changed: they used another one before.
        paused_s: seconds in which no vectors were taken.
    """

    tenant: str
    live: EmbeddingModel
    beside: EmbeddingModel | None
    documents: int
    changed: bool
    paused_s: float


class DiscardReport(Contract):
    """The vectors of a model are removed.

    Attributes:
        live: the model that searches use.
        discarded: whose vectors there are no more.
        vectors: that were removed.
    """

    tenant: str
    live: EmbeddingModel
    discarded: EmbeddingModel
    vectors: int
