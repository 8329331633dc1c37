"""The real studies that the parser's tests read."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from medkg_contracts.ir import RawPayload
from pydantic import JsonValue

DATA = Path(__file__).parent / "data"

PayloadOf: TypeAlias = Callable[..., RawPayload]
LeavesOf: TypeAlias = Callable[[JsonValue], Iterator[tuple[str, str]]]


def _payload(body: str, nct_id: str = "NCT00353704", *, source: str = "ctgov") -> RawPayload:
    return RawPayload(
        source=source,
        source_id=nct_id,
        uri=f"https://clinicaltrials.gov/api/v2/studies/{nct_id}",
        media_type="application/json",
        body=body,
        sha256=hashlib.sha256(body.encode("utf-8", "replace")).hexdigest(),
    )


def _leaves(value: JsonValue, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, f"{path}/{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{path}/{number}")
    elif value is not None and not isinstance(value, bool):
        yield path, " ".join(str(value).split())


@pytest.fixture(scope="session")
def payload_of() -> PayloadOf:
    """Makes a payload of a body."""
    return _payload


@pytest.fixture(scope="session")
def leaves_of() -> LeavesOf:
    """Walks the texts and numbers of a JSON value, with their paths, whitespace normalised."""
    return _leaves


@pytest.fixture(scope="session")
def studies() -> dict[str, str]:
    """Real studies' bodies by id: those of the folder MEDKG_STUDIES, or the dozen beside these tests."""
    folder = Path(os.environ.get("MEDKG_STUDIES", DATA / "studies"))
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("NCT*.json"))}
