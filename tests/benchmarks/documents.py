"""What vectors cost where their models have read the texts before: real documents through the product's own stages.

The topology `records` and the same without its models are given the same documents, which both have seen before. So
ingest, parse, validation, chunk and both models answer from memory, and what differs is two stages more, a join, and
what the index does with vectors.
"""

from pathlib import Path
from shutil import copytree
from typing import Final
from uuid import uuid4

import orjson
import yaml
from medkg_artifacts import ArtifactStore
from medkg_contracts.cloudevents import to_headers
from medkg_operations.requests import job_request, request_event
from medkg_topology.catalog import Catalog

from .bed import PRODUCT_TOPOLOGIES
from .embedding import texts
from .traffic import Request

#: The topology `auto` for records that requests carry, which no source's politeness slows down.
WITH_VECTORS: Final = "records"
#: The same without models.
WORDS_ALONE: Final = "records-words"

#: The folder of these and the product's other topologies, in that of the run.
SHIPPED: Final = "topologies"

_MODELS: Final = ("EmbedStage", "SparseEmbedStage")


def write_topologies(folder: Path) -> Path:
    """The product's topologies, and beside them the one without models, made from the one that has them."""
    copytree(PRODUCT_TOPOLOGIES, folder)
    pipelines = folder / "pipelines"
    topology = yaml.safe_load((pipelines / f"{WITH_VECTORS}.yaml").read_text())
    models = {stage["name"]: stage["depends_on"] for stage in topology["stages"] if stage["type"] in _MODELS}
    stages = [stage for stage in topology["stages"] if stage["name"] not in models]
    for stage in stages:
        needed = [name for each in stage.get("depends_on", ()) for name in models.get(each, [each])]
        stage["depends_on"] = list(dict.fromkeys(needed))
    topology |= {"name": WORDS_ALONE, "stages": stages}
    del topology["applicable_sources"]
    (pipelines / f"{WORDS_ALONE}.yaml").write_text(yaml.safe_dump(topology, sort_keys=False))
    return folder


def stages_of(folder: Path, topology: str) -> list[str]:
    """The names of a topology's stages."""
    return [node.name for node in Catalog(folder).resolve(topology, "beir").nodes]


class Corpus:
    """Documents of some 40 to 400 tokens, always the same ones; each topology has a tenant of its own.

    Args:
        store: that the services share.
        count: of documents.
    """

    def __init__(self, store: ArtifactStore, count: int) -> None:
        self._store = store
        self._texts = texts(count)

    async def requests(self, topology: str) -> list[Request]:
        """New jobs for all of them, which do again nothing that was done before."""
        return [await self._request(topology, f"d{number}", text) for number, text in enumerate(self._texts)]

    async def _request(self, topology: str, name: str, text: str) -> Request:
        body = orjson.dumps({"_id": name, "title": f"Document {name}", "text": text, "metadata": {}})
        payload = await self._store.put(topology, "payload", body, inline=False)
        asked = job_request("beir", [name], topology=topology, skip_completed=True, payload=payload)
        job_id = f"b-{uuid4().hex[:24]}"
        event = request_event(asked, source="/medkg/bench", tenant=topology, job=job_id)
        return Request(job_id, event.data, to_headers(event))
