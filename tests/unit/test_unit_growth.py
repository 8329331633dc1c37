"""The way from a payload to an index's records: the work grows with the record's length, not with its square."""

# ruff: noqa: D102 - the methods are those of `medkg_chunk.models`

import asyncio
import gc
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from medkg_chunk.settings import ChunkSettings
from medkg_chunk.stage import ChunkStage
from medkg_contracts.ir import Document, RawPayload
from medkg_contracts.model import OptionValue
from medkg_contracts.stages import StageContext
from medkg_index.document_write import Given, document_write
from medkg_parse.readers import read_payload
from medkg_search.bulk import requests
from medkg_validate.stage import validate
from numpy.typing import NDArray

CONTEXT = StageContext("default", "ctgov:NCT00353704", "j-1", "c-1", "ctgov", "0" * 12)
#: Further ways to cut, each for tokens of a model; a word is longer than a chunk may be.
STRATEGIES: dict[str, dict[str, OptionValue]] = {
    "sentences": {"tokenizer": "letters"},
    "section": {"strategy": "section", "tokenizer": "letters", "max_tokens": 16},
    "semantic": {"strategy": "semantic", "tokenizer": "letters"},
}
GROUPS = [{"id": f"EG{number:03}", "title": f"Group {number}"} for number in range(12)]


def adverse_events(terms: int) -> str:
    """A record with so many terms in each of twelve groups, as JSON."""
    counts = [{"groupId": group["id"], "numAffected": 3, "numAtRisk": 101} for group in GROUPS]
    events = [{"term": f"Term {term}", "organSystem": "Cardiac disorders", "stats": counts} for term in range(terms)]
    return json.dumps(
        {
            "protocolSection": {"identificationModule": {"nctId": "NCT00353704", "briefTitle": "A study"}},
            "resultsSection": {"adverseEventsModule": {"eventGroups": GROUPS, "otherEvents": events}},
        }
    )


def first_version(terms: int) -> str:
    """A record in the names of the API's first version, with so many arms."""
    arms = [{"ArmGroupLabel": f"Arm {term}", "ArmGroupType": "Experimental"} for term in range(terms * 10)]
    modules = {"IdentificationModule": {"NCTId": "NCT00353704", "BriefTitle": "A study"}}
    return json.dumps({"ProtocolSection": {**modules, "ArmsInterventionsModule": {"ArmGroupList": {"ArmGroup": arms}}}})


def classic_xml(terms: int) -> str:
    """A record of the classic site with so many places and keywords."""
    place = (
        "<location><facility><name>Ward</name></facility><status>Recruiting</status></location><keyword>a b</keyword>"
    )
    return f"<clinical_study><id_info><nct_id>NCT00353704</nct_id></id_info>{place * terms * 6}</clinical_study>"


def prose(terms: int) -> str:
    """A record with so many criteria."""
    criteria = "\n".join(f"* Criterion {term} holds for all who take part in the study." for term in range(terms))
    return json.dumps(
        {
            "protocolSection": {
                "identificationModule": {"nctId": "NCT00353704", "briefTitle": "A study"},
                "eligibilityModule": {"eligibilityCriteria": criteria},
            }
        }
    )


class Letters:
    """Models in which a token is a letter, and a text means its length."""

    name = ref = "letters"
    tokenizers = ("letters",)
    encoders = None
    added, limit = 2, 512

    def measure(self, name: str) -> "Letters":  # noqa: ARG002
        return self

    async def encoder(self, name: str) -> "Letters":  # noqa: ARG002
        return self

    async def close(self) -> None: ...

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text) for text in texts]

    def starts(self, text: str) -> Sequence[int]:
        return range(len(text))

    async def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[1, len(text) % 7] for text in texts], dtype=np.float32)


@pytest.fixture(autouse=True)
def no_collections() -> Iterator[None]:
    """The collector's work depends on all that the process has in memory, not on the record."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("record", [adverse_events, first_version, classic_xml, prose])
def test_eight_times_the_record_is_about_eight_times_the_work(record: Callable[[int], str]) -> None:
    """Parse, validate, chunk and index take processor time in proportion to a record's length, in each of its forms."""
    chunker = ChunkStage(ChunkSettings(MK_CHUNK_MAX_TOKENS=32), Letters())
    others = {name: replace(CONTEXT, options=options) for name, options in STRATEGIES.items()}

    def seconds(terms: int) -> dict[str, float]:
        body = record(terms)
        payload = RawPayload(
            source="ctgov",
            source_id="NCT00353704",
            uri="https://clinicaltrials.gov/api/v2/studies/NCT00353704",
            media_type="application/json",
            body=body,
            sha256=sha256(body.encode()).hexdigest(),
        )
        marks = [time.process_time()]
        document = read_payload(payload)
        marks.append(time.process_time())
        validate(document)
        marks.append(time.process_time())
        chunks = asyncio.run(chunker.execute(CONTEXT, document))
        marks.append(time.process_time())
        for context in others.values():
            asyncio.run(chunker.execute(context, document))
            marks.append(time.process_time())
        Document.model_validate_json(document.model_dump_json())
        assert list(requests(document_write(0, "public", Given(document, chunks, None, None, None)).writes("v")))
        marks.append(time.process_time())
        return dict(
            zip(("parse", "validate", "chunk", *others, "index"), map(float.__sub__, marks[1:], marks), strict=True)
        )

    small = [seconds(150) for _ in range(3)]
    large = [seconds(1200) for _ in range(2)]
    # A measurement that is too short to tell counts as 10 ms.
    growth = {
        stage: min(run[stage] for run in large) / max(0.01, min(run[stage] for run in small)) for stage in small[0]
    }

    assert {} == {stage: times for stage, times in growth.items() if times > 16}
