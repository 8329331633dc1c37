"""Where the next page of a search begins, as an opaque text."""

import base64
import binascii
from typing import Annotated

from medkg_contracts.errors import InvalidRequest
from medkg_contracts.model import Contract
from pydantic import Field, ValidationError


class Cursor(Contract):
    """The last hit of a page.

    Attributes:
        search: digest of tenant, query and filters; a cursor continues the search that it came from, no other.
        score: the hit's.
        chunk_id: the hit's; decides between hits of one score.
    """

    search: str
    score: Annotated[float, Field(allow_inf_nan=False)]
    chunk_id: str

    def encode(self) -> str:
        """As text that may stand in a URL."""
        return base64.urlsafe_b64encode(self.model_dump_json().encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, search: str) -> "Cursor":
        """The cursor that this text is.

        Raises:
            InvalidRequest: it is none, or it belongs to another search.
        """
        try:
            cursor = cls.model_validate_json(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (ValidationError, binascii.Error, ValueError) as error:
            raise InvalidRequest(f"cursor {text[:40]!r} is none that a search gave") from error
        if cursor.search != search:
            raise InvalidRequest("the cursor belongs to another tenant, query or filter")
        return cursor
