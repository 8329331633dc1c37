"""Answers that a model has given: the same question is asked once."""

from typing import Final

import orjson
from medkg_artifacts import ArtifactStore
from medkg_contracts.errors import ArtifactCorrupt, ArtifactMissing

from .answer import Reply

_NAME: Final = "llm-answer"


class StoredAnswers:
    """Answers in the artifact store, each tenant's apart, as it keeps what stages have made."""

    def __init__(self, store: ArtifactStore, tenant: str) -> None:
        self._store = store
        self._tenant = tenant

    async def get(self, key: str) -> Reply | None:
        """The answer with this key (64 hex digits: of all that it depends on); one that is damaged is none."""
        known = await self._store.recall(self._tenant, key)
        if known is None or _NAME not in known:
            return None
        try:
            kept = orjson.loads(await self._store.get(self._tenant, known[_NAME]))
        except (ArtifactMissing, ArtifactCorrupt):
            return None
        return Reply(kept["content"], kept["is_cut"])

    async def put(self, key: str, reply: Reply) -> None:
        """Keep an answer."""
        body = orjson.dumps({"content": reply.content, "is_cut": reply.is_cut})
        ref = await self._store.put(self._tenant, _NAME, body)
        await self._store.remember(self._tenant, key, {_NAME: ref})
