"""All recorded studies, as the extract stage is given them."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import orjson
import pytest
from medkg_contracts.ir import RawPayload
from medkg_contracts.knowledge import Claims, Entities
from medkg_contracts.stages import StageContext
from medkg_extract.settings import ExtractSettings
from medkg_extract.stage import ExtractStage
from medkg_vocabulary import About, Synonym, Term, write_vocabulary

from tests.recorded import Given, bodies, given

CONTEXT = StageContext(tenant_id="default", doc_id="", job_id="j", correlation_id="c", pipeline="auto", digest="0" * 12)
GivenOf: TypeAlias = Callable[[bytes, str], Given]


@pytest.fixture(scope="session")
def given_of() -> GivenOf:
    """Makes of a study's body, and its id, what the stage is given of it."""
    return given


@pytest.fixture(scope="session")
def studies() -> dict[str, Given]:
    """All recorded studies by id, as payload and document."""
    return {nct_id: given(body, nct_id) for nct_id, body in bodies().items()}


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
