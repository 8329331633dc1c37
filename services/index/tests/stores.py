"""What the index and the changelog hold of a tenant, as a search node sees it, and servers that die half-way."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from medkg_bus.admin import Admin
from medkg_bus.changelog import VectorChangelog
from medkg_bus.cluster import Cluster
from medkg_contracts import topics
from medkg_contracts.asyncapi import TopicSpec
from medkg_contracts.changelog import (
    DocumentRemoved,
    LiveModel,
    VectorChange,
    VectorDeleted,
    VectorPut,
    VisibleVersion,
    read_change,
)
from medkg_search import SearchServer, TenantNames
from medkg_vectorview.view import VectorView

PARTITIONS = 3


async def make_topic(bootstrap: str) -> None:
    """Make the changelog, as it is provisioned."""
    async with Admin(bootstrap) as admin:
        await admin.create([TopicSpec(topics.VECTORS, PARTITIONS, 1, {"cleanup.policy": "compact"})])


class ChangelogView:
    """What a reader of the whole changelog knows of a tenant.

    Attributes:
        vectors: bytes by record, with the version that the record belongs to.
        visible: what is to be seen, by document.
        last: the last word on each document, which is all that compaction leaves of it.
        generations: bytes by record, of each model.
        models: the live models that the partitions name.
        node: what a search node makes of it.
    """

    def __init__(self) -> None:
        self.vectors: dict[str, tuple[str, bytes]] = {}
        self.generations: dict[str, dict[str, bytes]] = {}
        self.visible: dict[str, VisibleVersion] = {}
        self.last: dict[str, VisibleVersion | None] = {}
        self.models: dict[int, LiveModel] = {}
        self.node = VectorView()

    def hear(self, change: VectorChange, partition: int) -> None:
        """Takes a change in."""
        assert [] == self.node.apply([change])
        match change:
            case VectorPut():
                self.vectors[change.key.record_id] = (change.version, bytes(change.vector))
                self.generations.setdefault(change.key.model, {})[change.key.record_id] = bytes(change.vector)
            case VectorDeleted():
                self.vectors.pop(change.key.record_id, None)
                self.generations.get(change.key.model, {}).pop(change.key.record_id, None)
            case VisibleVersion():
                self.last[change.document_id] = change
                known = self.visible.get(change.document_id)
                if known is None or change.order >= known.order:
                    self.visible[change.document_id] = change
            case DocumentRemoved():
                self.last[change.document_id] = None
                self.visible.pop(change.document_id, None)
            case LiveModel():
                self.models[partition] = change

    def records(self, document_id: str) -> set[str]:
        """The records of the document that a search among the vectors can find."""
        version = self.visible.get(document_id)
        return {record for record, (its, _) in self.vectors.items() if version is not None and its == version.version}


async def view_of(bootstrap: str, tenant: str) -> ChangelogView:
    """The view of all that the changelog has of the tenant now."""
    view = ChangelogView()
    async with Cluster(bootstrap) as cluster:
        async for record in cluster.records(await cluster.ends(await cluster.partitions(topics.VECTORS))):
            if (record.key or b"").startswith(f"{tenant}/".encode()):
                change = read_change(record)
                assert change is not None
                view.hear(change, record.partition)
    return view


async def indexed(server: SearchServer, tenant: str, document_id: str) -> dict[str, dict[str, Any]]:
    """The document's records in the index, by their ids."""
    names = TenantNames(tenant)
    await server.call("POST", f"/{names.chunks}/_refresh")
    body = {"size": 1000, "query": {"term": {"document_id": document_id}}}
    answer = await server.call("POST", f"/{names.chunks}/_search", body=body)
    return {hit["_id"]: hit["_source"] for hit in answer["hits"]["hits"]}


async def written(server: SearchServer, tenant: str) -> dict[str, int]:
    """Which write of the index each of the tenant's records comes from, by the records' ids."""
    names = TenantNames(tenant)
    await server.call("POST", f"/{names.chunks}/_refresh")
    answer = await server.call("POST", f"/{names.chunks}/_search", body={"size": 1000, "seq_no_primary_term": True})
    return {hit["_id"]: hit["_seq_no"] for hit in answer["hits"]["hits"]}


class Died(BaseException):
    """The process ends here."""


class Death:
    """Comes at a step: before it, after its first half, or behind it."""

    def __init__(self, step: int, when: str) -> None:
        self._left = step
        self._when = when
        self.came = False

    @asynccontextmanager
    async def step(self) -> AsyncIterator[bool]:
        """Around a step; whether only half of it is to be done."""
        self._left -= 1
        due = self._left == -1
        self.came = self.came or due
        if due and self._when == "before":
            raise Died
        yield due and self._when == "half"
        if due:
            raise Died


class MortalServer(SearchServer):
    """An OpenSearch whose caller dies at a step."""

    def __init__(self, url: str, death: Death) -> None:
        super().__init__(url)
        self._death = death

    async def call(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        """Does the request, or the first half of the operations of a bulk request, or nothing."""
        async with self._death.step() as halved:
            if halved and path == "/_bulk":
                kwargs["body"] = _first_half(kwargs["body"])
            return await super().call(method, path, **kwargs) if kwargs.get("body") != b"" else {"items": []}


def _first_half(body: bytes) -> bytes:
    lines = iter(body.splitlines(keepends=True))
    operations = [[line] if "delete" in orjson.loads(line) else [line, next(lines)] for line in lines]
    return b"".join(line for operation in operations[: len(operations) // 2] for line in operation)


class MortalChangelog(VectorChangelog):
    """A changelog whose writer dies at a step."""

    def __init__(self, bootstrap: str, death: Death) -> None:
        super().__init__(bootstrap, "mortal", "/test")
        self._death = death

    async def write(self, groups: Sequence[Sequence[VectorChange]]) -> list[Any]:
        """Writes the changes, or the first half of each group, or none."""
        async with self._death.step() as halved:
            return await super().write([group[: len(group) // 2] if halved else group for group in groups])
