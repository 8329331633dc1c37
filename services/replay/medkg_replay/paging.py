"""Page tokens: opaque to the client, checked when they come back."""

import base64
import binascii

from medkg_contracts.errors import InvalidInput
from medkg_contracts.ids import digest


def page_token(offset: int, key: str) -> str:
    """The token of the page that starts at this offset of the search with this key."""
    return base64.urlsafe_b64encode(f"{offset}.{_seal(offset, key)}".encode()).decode().rstrip("=")


def page_offset(token: str, key: str) -> int:
    """The offset that a token stands for.

    Raises:
        InvalidInput: this server did not give the token for this search.
    """
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode("ascii")
        offset = int(text.partition(".")[0])
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("Parameter `pageToken` has incorrect format") from error
    if token != page_token(offset, key):
        raise InvalidInput("Parameter `pageToken` does not belong to this search")
    return offset


def _seal(offset: int, key: str) -> str:
    return digest("page", offset, key)[:16]
