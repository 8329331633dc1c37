"""Fetching from a source over HTTP: within bounds, with medkg's errors. How often is the stage's policy's affair."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Self

import httpx
from medkg_contracts.errors import InvalidDocument, InvalidRequest, SourceRefused, SourceUnavailable
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_before_delay, wait_random_exponential

from .retry_after import retry_after_seconds
from .settings import IngestSettings

#: The waits between tries in place grow from a fifth of a second; a Retry-After lengthens them.
_BACKOFF = wait_random_exponential(multiplier=0.2, max=2, min=0.1)

#: Statuses that say "later": request timeout, too many requests and every 5xx.
_LATER = frozenset({408, 429, *range(500, 600)})

#: What is quoted of a source's refusal.
_QUOTED_CHARACTERS = 500

_MAX_REDIRECTS = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """A source's answer with status 200.

    Attributes:
        uri: the URL that was asked, without credentials.
        body: exactly the bytes of the answer, decompressed.
    """

    uri: str
    media_type: str
    body: bytes


class Fetcher:
    """One source's HTTP connections. All requests of the process to that source share it."""

    def __init__(self, settings: IngestSettings, *, base_url: str) -> None:
        self._max_bytes = settings.max_bytes
        self._client = httpx.AsyncClient(
            base_url=base_url.rstrip("/"),
            headers={"user-agent": user_agent(settings.contact), "accept": "application/json"},
            timeout=httpx.Timeout(settings.read_timeout_s, connect=settings.connect_timeout_s, pool=None),
            follow_redirects=True,
            max_redirects=_MAX_REDIRECTS,
        )
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type(SourceUnavailable),
            wait=_wait,
            stop=stop_before_delay(settings.retry_wait_s),
            reraise=True,
        )

    async def __aenter__(self) -> Self:
        """Open the connection pool."""
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def get(self, path: str, parameters: Mapping[str, str] = {}) -> Answer:
        """The answer to a GET. A short wait is waited for here; a long one is the caller's.

        Raises:
            SourceUnavailable: no usable answer came; `retry_after` is what the source asked for.
            SourceRefused: the source said no, in its own words, or the answer passes the size limit.
            InvalidDocument: the body is not compressed as its headers say.
            InvalidRequest: the parameters make no URL.
        """
        return await self._retrying.copy()(self._get_once, path, parameters)

    async def _get_once(self, path: str, parameters: Mapping[str, str]) -> Answer:
        request = self._request(path, parameters)
        uri = str(request.url.copy_with(userinfo=b""))
        try:
            response = await self._client.send(request, stream=True)
            try:
                return await self._read(uri, response)
            finally:
                await response.aclose()
        except httpx.TooManyRedirects as error:
            raise SourceRefused(f"{uri} redirects more than {_MAX_REDIRECTS} times") from error
        except httpx.TimeoutException as error:
            raise SourceUnavailable(f"{uri} did not answer in time ({type(error).__name__})") from error
        except httpx.DecodingError as error:
            raise InvalidDocument(f"{uri} answered with a body that is not what its headers say: {error}") from error
        except httpx.RequestError as error:
            raise SourceUnavailable(f"{uri} gave no whole answer: {error or type(error).__name__}") from error

    def _request(self, path: str, parameters: Mapping[str, str]) -> httpx.Request:
        try:
            return self._client.build_request("GET", path, params=parameters or None)
        except httpx.InvalidURL as error:
            raise InvalidRequest(f"query: no URL can be made of it: {error}") from error

    async def _read(self, uri: str, response: httpx.Response) -> Answer:
        status = response.status_code
        if status == httpx.codes.OK:
            body = await self._whole(uri, response)
            return Answer(uri, _media_type(response), body)
        words = f"{uri} answered {status}: {await _quote(response)}"
        if status in _LATER:
            wait = retry_after_seconds(response.headers.get("retry-after"), datetime.now(UTC))
            raise SourceUnavailable(words, retry_after=wait)
        raise SourceRefused(words)

    async def _whole(self, uri: str, response: httpx.Response) -> bytes:
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > self._max_bytes:
                raise SourceRefused(
                    f"{uri} answered with more than {self._max_bytes:,} bytes",
                    remedy="Raise MK_INGEST_MAX_BYTES if a record of this size is right.",
                )
        return bytes(body)


def user_agent(contact: str) -> str:
    """The product's name and version, and whom to ask about it."""
    product = f"medkg/{version('medkg-ingest')}"
    return f"{product} ({contact})" if contact else product


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, SourceUnavailable) else None
    return max(_BACKOFF(state), asked or 0.0)


def _media_type(response: httpx.Response) -> str:
    content_type: str = response.headers.get("content-type", "application/json")
    return content_type.partition(";")[0].strip().lower()


async def _quote(response: httpx.Response) -> str:
    """The beginning of an error's body on one line: an error page may be long, and its start says enough."""
    start = b""
    async for part in response.aiter_bytes():
        start += part
        if len(start) >= _QUOTED_CHARACTERS:
            break
    text = re.sub(r"\s+", " ", start.decode(errors="replace")).strip()
    return text[:_QUOTED_CHARACTERS] or response.reason_phrase
