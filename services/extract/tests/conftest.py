"""All recorded studies, as the extract stage is given them."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import medkg_replay
import orjson
import pytest
from medkg_contracts.ir import Document, Provenance, RawPayload, Section
from medkg_contracts.knowledge import Claims, Entities
from medkg_contracts.stages import StageContext
from medkg_extract.settings import ExtractSettings
from medkg_extract.stage import ExtractStage
from medkg_replay.recordings import load_recordings
from medkg_vocabulary import About, Synonym, Term, write_vocabulary

Given: TypeAlias = tuple[RawPayload, Document]
CONTEXT = StageContext(tenant_id="default", doc_id="", job_id="j", correlation_id="c", pipeline="auto", digest="0" * 12)
GivenOf: TypeAlias = Callable[[bytes, str], Given]


def _given(body: bytes, nct_id: str) -> Given:
    digest = hashlib.sha256(body).hexdigest()
    uri = f"https://clinicaltrials.gov/api/v2/studies/{nct_id}"
    payload = RawPayload(
        source="ctgov", source_id=nct_id, uri=uri, media_type="application/json", body=body.decode(), sha256=digest
    )
    provenance = Provenance(source="ctgov", source_id=nct_id, uri=uri, sha256=digest)
    title = str(orjson.loads(body)["protocolSection"]["identificationModule"].get("briefTitle", nct_id))
    section = Section(id="title", type="title", title="Title", text=title, provenance=provenance)
    document = Document(id=f"ctgov:{nct_id}", source="ctgov", title=title, sections=[section], provenance=provenance)
    return payload, document


@cache
def _bodies() -> dict[str, bytes]:
    folder = Path(medkg_replay.__file__).parent / "recordings"
    return {study.nct_id: study.body for study in load_recordings(folder).studies}


@pytest.fixture(scope="session")
def given_of() -> GivenOf:
    """Makes of a study's body, and its id, what the stage is given of it."""
    return _given


@pytest.fixture(scope="session")
def studies() -> dict[str, Given]:
    """All recorded studies by id, as payload and document."""
    return {nct_id: _given(body, nct_id) for nct_id, body in _bodies().items()}


@pytest.fixture(scope="session")
def stage() -> ExtractStage:
    """The stage, which reads records alone."""
    return ExtractStage(ExtractSettings(extract_names="off"))


@pytest.fixture(scope="session")
def extracted(stage: ExtractStage, studies: Mapping) -> dict[str, tuple[Entities, Claims]]:
    """What all recorded studies say."""

    async def all_of_them() -> dict[str, tuple[Entities, Claims]]:
        return {
            nct: await stage.execute(CONTEXT, [payload], document, []) for nct, (payload, document) in studies.items()
        }

    return asyncio.run(all_of_them())


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vocabulary of three terms."""
    path: Path = tmp_path_factory.mktemp("vocabulary") / "small.vocabulary"
    terms = [
        Term("MESH:D001249", "Asthma", "biolink:Disease", (Synonym("Bronchial Asthma"),), xrefs=("DOID:2841",)),
        Term("MESH:D005334", "Fever", "biolink:PhenotypicFeature"),
        Term("MESH:D001241", "Aspirin", "biolink:ChemicalEntity"),
    ]
    write_vocabulary(path, About("small", "1", "CC0-1.0", "a test"), terms)
    return path


def leaves(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """The scalars of a JSON value, with their pointers."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from leaves(item, f"{pointer}/{number}")
    else:
        yield pointer, str(value).strip()


@pytest.fixture(scope="session")
def leaves_of() -> Callable[[RawPayload], dict[str, str]]:
    """Walks the scalars of a payload's record, as text, by their JSON Pointers."""
    return lambda payload: dict(leaves(orjson.loads(payload.body)))
