"""Documents in a real index and a real changelog, written in the index stage's order."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import orjson
from medkg_bus.admin import Admin
from medkg_bus.changelog import VectorChangelog
from medkg_contracts import topics
from medkg_contracts.asyncapi import TopicSpec
from medkg_contracts.changelog import LiveModel, VectorDeleted, VectorKey, VectorPut, VisibleVersion
from medkg_contracts.ids import digest
from medkg_contracts.ir import Chunk, Span
from medkg_contracts.vectors import EmbeddingModel
from medkg_search import SearchServer, TenantNames, chunk_source, ensure_indices, feature_weights, splade_clause
from medkg_search_service.retriever import ArmQuery

MODEL: Final = EmbeddingModel(name="angles", revision="a" * 64, dimension=2)
#: By it a query means what is as far from 90 degrees as it is from 0, and no vector is near one of `MODEL`.
TURNED: Final = EmbeddingModel(name="turned", revision="b" * 64, dimension=2)


def angle(text: str, turned: int = 0) -> list[float]:
    """The vector of a text: the direction that its last number gives in degrees, turned by some."""
    degrees = math.radians(float(text.rsplit(maxsplit=1)[-1]) + turned)
    return [math.cos(degrees), math.sin(degrees)]


def terms(text: str) -> dict[str, float]:
    """The sparse vector of a text: its words, the longer the heavier."""
    return {word: float(len(word)) for word in text.split()}


class Angles:
    """Encodes queries and passages as `angle`."""

    async def keep_open(self, models: Any) -> None:
        """Nothing is opened."""

    async def encode_passage(self, model: EmbeddingModel, text: str) -> Any:
        """The passage's direction."""
        return await self.encode_query(model, text)

    async def encode_query(self, model: EmbeddingModel, text: str) -> Any:
        """The query's direction."""
        if model == TURNED:
            text = f"{90 - float(text.rsplit(maxsplit=1)[-1])}"
        return np.array(angle(text, 90 if model == TURNED else 0), np.float32)


async def splade(query: ArmQuery) -> Any:
    """The clause of `terms`."""
    return splade_clause(terms(query.query.words if query.like is None else query.like.text))


@dataclass
class Corpus:
    """A tenant's documents, each of one chunk."""

    server: SearchServer
    changelog: VectorChangelog
    tenant: str
    order: int = 0
    written: dict[str, str] = field(default_factory=dict)

    async def make(self, bootstrap: str) -> None:
        """Create the index and the topic."""
        await ensure_indices(self.server, self.tenant)
        async with Admin(bootstrap) as admin:
            await admin.create([TopicSpec(topics.VECTORS, 4, 1, {"cleanup.policy": "compact"})])
        await self.changelog.write([[LiveModel(tenant=self.tenant, model=MODEL, order=1)]])

    async def write(self, texts: dict[str, str], version: str = "v1", *, seal: bool = True, **facets: Any) -> None:
        """Write these documents, all with these facets; without a seal they are not to be seen yet."""
        puts = [self._put(document, version, text) for document, text in texts.items()]
        await self._acknowledged([[put] for put in puts])
        lines = [line for document, text in texts.items() for line in self._record(document, version, text, facets)]
        body = b"".join(orjson.dumps(line) + b"\n" for line in lines)
        answer = await self.server.call("POST", "/_bulk", params={"refresh": "true"}, body=body)
        assert not answer["errors"], answer
        if seal:
            await self.seal(list(texts), version)

    async def seal(self, documents: Sequence[str], version: str = "v1") -> None:
        """From now on this version of the documents is to be seen; what was before goes."""
        self.order += 1
        shown = [
            VisibleVersion(tenant=self.tenant, document_id=each, version=version, order=self.order, chunks=1)
            for each in documents
        ]
        gone = [(each, self.written[each]) for each in documents if self.written.get(each, version) != version]
        self.written |= dict.fromkeys(documents, version)
        await self._acknowledged([[change] for change in shown])
        for document, old in gone:
            path = f"/{TenantNames(self.tenant).chunks}/_doc/{record_id(document, old)}"
            await self.server.call("DELETE", path, params={"refresh": "true"})
            await self._acknowledged([[VectorDeleted(self._key(document, old))]])

    async def turn(self, texts: dict[str, str], version: str = "v1") -> None:
        """Fill the generation of `TURNED`: vectors of these documents as they were written."""
        for document, text in texts.items():
            key = replace(self._key(document, version), model=TURNED.key)
            vector = np.array(angle(text, 90), "<f4").tobytes()
            await self._acknowledged([[VectorPut(key, version, TURNED.ref, vector)]])
        await self._acknowledged([[LiveModel(tenant=self.tenant, model=MODEL, order=2, beside=TURNED)]])

    async def switch(self) -> None:
        """Let searches use it."""
        await self._acknowledged([[LiveModel(tenant=self.tenant, model=TURNED, order=3, beside=MODEL)]])

    async def _acknowledged(self, groups: Sequence[Sequence[Any]]) -> None:
        assert not any(await self.changelog.write(groups))

    def _key(self, document: str, version: str) -> VectorKey:
        return VectorKey(self.tenant, document, record_id(document, version), MODEL.revision[:12])

    def _put(self, document: str, version: str, text: str) -> VectorPut:
        return VectorPut(self._key(document, version), version, MODEL.ref, np.array(angle(text), "<f4").tobytes())

    def _record(self, document: str, version: str, text: str, facets: dict[str, Any]) -> list[dict[str, Any]]:
        chunk = Chunk(
            id=digest(document),
            document_id=document,
            document_title=f"Study {document}",
            source=document.partition(":")[0],
            section_id="s",
            section_type="body",
            section_title="Body",
            ordinal=0,
            text=text,
            span=Span(start=0, end=len(text)),
            token_count=1,
        )
        added = {"version": version, "vectors": True, "sparse": feature_weights(terms(text))}
        action = {"index": {"_index": TenantNames(self.tenant).chunks, "_id": record_id(document, version)}}
        return [action, chunk_source(chunk) | added | facets]


def record_id(document: str, version: str) -> str:
    """As an index makes it: no two versions share one."""
    return digest(document, version)[:32]
