"""An index and a view in memory, whose records tests put there."""
# ruff: noqa: ARG002 - what is faked takes more than the fake looks at

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from medkg_contracts.errors import IndexMissing, MedkgError
from medkg_contracts.ids import digest
from medkg_contracts.ir import Chunk, Span
from medkg_contracts.vectors import EmbeddingModel
from medkg_search.hybrid import Facet, FacetCount
from medkg_search.similar import Liked
from medkg_search_service.candidate import Candidate
from medkg_search_service.nearest import NearestAnswer, NearestQuestion, VisibleAnswer, VisibleQuestion
from medkg_search_service.records import Clauses, RankedPage, Shown

MODEL = EmbeddingModel(name="fake", revision="0" * 64, dimension=2)
TENANT = "acme"


@dataclass(frozen=True)
class Record:
    """One chunk in one version of its document."""

    document_id: str
    score: float = 1.0
    version: str = "v1"
    vectors: bool = True
    source: str = "ctgov"
    vector: tuple[float, float] = (1.0, 0.0)
    text: str = "pain"
    entities: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The record's id."""
        return digest(self.document_id, self.version)[:32]


@dataclass
class FakeIndex:
    """OpenSearch, as `Records` asks it; a record matches every clause, and scores what it says."""

    records: list[Record] = field(default_factory=list)
    error: MedkgError | None = None
    counting_error: MedkgError | None = None
    pages: int = 0

    async def ranked(
        self, tenant: str, clause: Mapping[str, Any], must: Clauses, size: int, after: Sequence[Any] | None
    ) -> RankedPage:
        """All that pass, by score."""
        self.pages += 1
        ranked = sorted(self._passing(tenant, must), key=lambda each: (-each.score, each.id))
        start = 0 if after is None else after[0]
        found = ranked[start : start + size]
        candidates = [Candidate(each.id, each.document_id, each.version, each.vectors, each.score) for each in found]
        return RankedPage(candidates, [start + size] if len(found) == size else None)

    async def matching(self, tenant: str, must: Clauses, limit: int) -> list[str] | None:
        """All that pass, unless they are too many."""
        found = self._passing(tenant, must)
        return None if len(found) > limit else [each.id for each in found]

    async def kept(self, tenant: str, record_ids: Sequence[str], must: Clauses) -> set[str]:
        """Those that are there and pass."""
        return {each.id for each in self._passing(tenant, must)} & set(record_ids)

    async def shown(
        self, tenant: str, record_ids: Sequence[str], matched: Mapping[str, Any] | None, traced: Clauses = ()
    ) -> dict[str, Shown]:
        """Those that are there; one matches a traced clause if its text has the words."""
        by_id = {each.id: each for each in self._passing(tenant, [])}
        wanted = [clause["match_phrase"]["text"] for clause in traced if "text" in clause["match_phrase"]]
        return {
            each: Shown(
                chunk(by_id[each]),
                [by_id[each].text],
                frozenset(clause["_name"] for clause in wanted if clause["query"] in by_id[each].text),
                (),
                by_id[each].entities,
            )
            for each in record_ids
            if each in by_id
        }

    async def liked(self, tenant: str, id_: str) -> Liked:
        """The record."""
        (found,) = [each for each in self._passing(tenant, []) if each.id == id_]
        return Liked(found.document_id, "A trial", found.text, {})

    async def counted(
        self, tenant: str, clause: Mapping[str, Any], must: Clauses, facets: Sequence[Facet]
    ) -> dict[Facet, list[FacetCount]]:
        """The number of all that pass, of one value."""
        if self.counting_error is not None:
            raise self.counting_error
        count = len(self._passing(tenant, must))
        value = {Facet.ENTITY: "MESH:D3"}
        return {facet: [FacetCount(value=value.get(facet, "all"), chunks=count, documents=1)] for facet in facets}

    def _passing(self, tenant: str, must: Clauses) -> list[Record]:
        if self.error is not None:
            raise self.error
        if tenant != TENANT:
            raise IndexMissing(f"tenant {tenant!r} has no index")
        wanted = [value for clause in must if "terms" in clause for value in clause["terms"]["source"]]
        return [each for each in self.records if not wanted or each.source in wanted]


@dataclass
class FakePart:
    """A node's part of the view: the documents that `owns` says, each in its visible version."""

    records: Sequence[Record]
    shard: int = 0
    shards: int = 1
    owns: Callable[[str], bool] = lambda _: True
    error: MedkgError | None = None
    model: EmbeddingModel | None = MODEL
    beside: EmbeddingModel | None = None
    hangs: bool = False
    asked: list[NearestQuestion | VisibleQuestion] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The part's name."""
        return f"part {self.shard}"

    def models(self, tenant: str) -> Sequence[EmbeddingModel]:
        """The same for everybody."""
        return [each for each in (self.model, self.beside) if each is not None]

    async def nearest(self, question: NearestQuestion) -> NearestAnswer:
        """By comparing with all."""
        await self._answering(question)
        vector = np.frombuffer(question.vector, "<f4")
        own = [each for each in self.records if each.vectors and self.owns(each.document_id)]
        if question.among is not None:
            own = [each for each in own if each.id in question.among]
        scored = sorted(((each.id, float(np.dot(vector, each.vector))) for each in own), key=lambda hit: (-hit[1], hit))
        return NearestAnswer(
            shard=self.shard, shards=self.shards, hits=scored[: question.k], exhausted=len(scored) <= question.k
        )

    async def visible(self, question: VisibleQuestion) -> VisibleAnswer:
        """What the records say."""
        await self._answering(question)
        own = [each for each in question.documents if self.owns(each)]
        versions = {each.document_id: each.version for each in self.records if each.document_id in own}
        return VisibleAnswer(
            shard=self.shard,
            shards=self.shards,
            versions=versions,
            absent=[each for each in own if each not in versions],
        )

    async def _answering(self, question: NearestQuestion | VisibleQuestion) -> None:
        self.asked.append(question)
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error


class FakeEncoder:
    """Every query points the same way, and every passage across it."""

    async def encode_passage(self, model: EmbeddingModel, text: str) -> Any:
        """Along the second axis."""
        return np.array([0.0, 1.0], np.float32)

    async def encode_query(self, model: EmbeddingModel, text: str) -> Any:
        """Along the first axis."""
        return np.array([1.0, 0.0], np.float32)


def chunk(record: Record) -> Chunk:
    return Chunk(
        id=record.id,
        document_id=record.document_id,
        document_title="A trial",
        source=record.source,
        section_id="s-1",
        section_type="eligibility",
        section_title="Eligibility",
        ordinal=0,
        text=record.text,
        span=Span(start=0, end=len(record.text)),
        token_count=1,
    )
