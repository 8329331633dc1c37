"""Asks the replay server which trials it has."""

import asyncio
from typing import Final
from urllib.parse import urlencode
from urllib.request import urlopen

import orjson
from medkg_contracts.errors import SourceUnavailable

#: How many trials the recordings have.
MOST: Final = 261

_TIMEOUT_S: Final = 10.0


async def study_ids(url: str, count: int) -> list[str]:
    """The ids of so many recorded trials, by rising id.

    Raises:
        SourceUnavailable: the server does not answer, or has fewer.
    """
    query = urlencode({"fields": "NCTId", "pageSize": count})
    try:
        body = await asyncio.to_thread(_get, f"{url}/api/v2/studies?{query}")
    except OSError as error:
        raise SourceUnavailable(f"the replay server at {url}: {error}") from error
    studies = orjson.loads(body)["studies"]
    ids = [study["protocolSection"]["identificationModule"]["nctId"] for study in studies]
    if len(ids) < count:
        raise SourceUnavailable(f"the replay server at {url} has {len(ids)} trials, not {count}")
    return ids


def _get(url: str) -> bytes:
    with urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - always an http address on this machine
        body: bytes = answer.read()
        return body
