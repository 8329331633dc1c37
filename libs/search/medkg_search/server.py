"""One OpenSearch, spoken to over HTTP, with medkg's errors."""

from collections.abc import Mapping
from typing import Any

from medkg_contracts.errors import ConfigurationError, IndexUnavailable, MedkgError
from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import ConnectionTimeout, OpenSearchException, TransportError

TOO_MANY_REQUESTS = 429


class SearchServer:
    """A connection pool to one OpenSearch. It does not retry: that is the stage's policy's task.

    Args:
        url: such as ``http://127.0.0.1:9200``; a user and password may stand in it.
        timeout_s: seconds that one request may take.
    """

    def __init__(self, url: str, *, timeout_s: float = 10.0) -> None:
        self._client = AsyncOpenSearch(hosts=[url], timeout=timeout_s, max_retries=0)
        self._timeout_s = timeout_s

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | bytes | None = None,
        accept: tuple[int, ...] = (),
    ) -> dict[str, Any]:
        """The answer's JSON.

        Args:
            method: of HTTP.
            path: with no part that a caller of medkg chose unchecked.
            params: of the query string.
            body: JSON, or lines of JSON as bytes.
            accept: statuses of 400 and more whose answer is returned all the same.

        Raises:
            IndexUnavailable: no answer, no JSON, or an answer that asks to come again later.
            ConfigurationError: the server refuses the request.
        """
        headers = {"content-type": "application/x-ndjson" if isinstance(body, bytes) else "application/json"}
        try:
            answer: dict[str, Any] = await self._client.transport.perform_request(
                method, path, params={**(params or {}), "ignore": accept}, body=body, headers=headers
            )
        except OpenSearchException as error:
            raise self._error(f"{method} {path}", error) from error
        return answer

    def _error(self, request: str, error: OpenSearchException) -> MedkgError:
        if isinstance(error, ConnectionTimeout):
            return IndexUnavailable(f"{request}: no answer from OpenSearch within {self._timeout_s:g} s")
        status = error.status_code if isinstance(error, TransportError) else None
        if isinstance(status, int) and status < 500 and status != TOO_MANY_REQUESTS:
            return ConfigurationError(f"{request}: OpenSearch refused it: {error}")
        return IndexUnavailable(f"{request}: {error}")
