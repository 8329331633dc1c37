"""One OpenSearch, spoken to over HTTP, with medkg's errors."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from medkg_contracts.errors import IndexUnavailable, MedkgError
from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import ConnectionTimeout, OpenSearchException, TransportError

from .refusal import refused


class SearchServer:
    """A connection pool to one OpenSearch. It does not retry: that is the stage's policy's task.

    Args:
        url: such as ``http://127.0.0.1:9200``; a user and password may stand in it.
        timeout_s: seconds that one request may take.

    Attributes:
        timeout_s: likewise.
    """

    def __init__(self, url: str, *, timeout_s: float = 10.0) -> None:
        self._client = AsyncOpenSearch(hosts=[url], timeout=timeout_s, max_retries=0)
        self.timeout_s = timeout_s

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
            IndexUnavailable: no answer, no JSON, or a refusal that passes by itself or when an operator lifts it.
            IndexMissing: an index that the request names is not there.
            ConfigurationError: any other refusal; see `refused`.
            InvalidRequest: a search asks too much.
        """
        headers = {"content-type": "application/x-ndjson" if isinstance(body, bytes) else "application/json"}
        # Given as parameters, the client would take some for its own, such as `timeout`.
        query = f"?{urlencode(params)}" if params else ""
        try:
            answer: dict[str, Any] = await self._client.transport.perform_request(
                method, path + query, params={"ignore": accept}, body=body, headers=headers
            )
        except OpenSearchException as error:
            raise self._error(f"{method} {path}", error) from error
        return answer

    def _error(self, request: str, error: OpenSearchException) -> MedkgError:
        if isinstance(error, ConnectionTimeout):
            return IndexUnavailable(f"{request}: no answer from OpenSearch within {self.timeout_s:g} s")
        if not isinstance(error, TransportError) or not isinstance(error.status_code, int):
            return IndexUnavailable(f"{request}: {error}")
        answer: object = error.info
        # A proxy before OpenSearch answers what it likes.
        told = answer["error"] if isinstance(answer, Mapping) and "error" in answer else answer
        return refused(request, told, error.status_code)
