"""What is left of a search, as a text that its next page is asked with.

The hits of a search are decided when it is first asked, down to a bounded depth. The cursor has those that were not
shown yet, so that any node can go on, whatever was indexed meanwhile: no hit comes twice, none is left out.
"""

import base64
import binascii
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from medkg_contracts.errors import InvalidRequest
from medkg_contracts.model import Contract
from medkg_search.fusion import Fused
from medkg_search.hybrid import Arm, PartialFailure, Place
from pydantic import Field, ValidationError

#: In the order of their places in a row; an arm more is another form of the cursor.
_ARMS: Final = (Arm.BM25, Arm.SPLADE, Arm.DENSE)
#: The record's id, the fusion's score, whether the query names it, then rank and score of each arm and of the reranker;
#: rank 0 for none.
_ROW: Final = struct.Struct("<16sf?" + "Hf" * (len(_ARMS) + 1))
_HEAD: Final = struct.Struct("<BI")
_FORM: Final = 1
#: What a cursor may unfold to: more than the longest list of hits takes.
_MOST_BYTES: Final = 1_000_000


class _About(Contract):
    search: str
    shown: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=0)]
    partial: list[PartialFailure]


@dataclass(frozen=True, slots=True)
class Remainder:
    """A search that goes on.

    Attributes:
        search: digest of what was asked; a cursor continues the search that it came from, no other.
        shown: hits that earlier pages had.
        total: hits in all pages.
        partial: what the search lacks since it began.
        hits: those that are left.
    """

    search: str
    shown: int
    total: int
    partial: Sequence[PartialFailure]
    hits: Sequence[Fused]

    def encode(self) -> str:
        """As text that may stand in a URL."""
        about = _About(search=self.search, shown=self.shown, total=self.total, partial=list(self.partial))
        head = about.model_dump_json().encode()
        body = b"".join((_HEAD.pack(_FORM, len(head)), head, *(_row(hit) for hit in self.hits)))
        return base64.urlsafe_b64encode(zlib.compress(body)).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, search: str) -> "Remainder":
        """What this text says.

        Raises:
            InvalidRequest: it is no cursor, or it belongs to another search.
        """
        try:
            about, hits = _unfolded(text)
        except (ValidationError, binascii.Error, struct.error, zlib.error, ValueError) as error:
            raise InvalidRequest(
                f"cursor {text[:40]!r} is none that a search gave", remedy="Ask again without a cursor."
            ) from error
        if about.search != search:
            raise InvalidRequest(
                "the cursor belongs to another tenant, query, filter, expansion or choice of arms",
                remedy="Continue with the request that gave the cursor, or ask without one.",
            )
        return cls(about.search, about.shown, about.total, about.partial, hits)


def _row(hit: Fused) -> bytes:
    places = (*(hit.arms.get(arm) for arm in _ARMS), hit.rerank)
    numbers = [number for place in places for number in ((0, 0.0) if place is None else (place.rank, place.score))]
    return _ROW.pack(bytes.fromhex(hit.record_id), hit.score, hit.named, *numbers)


def _hit(record_id: bytes, score: float, named: bool, *numbers: float) -> Fused:
    places = [
        Place(rank=int(rank), score=round(value, 6)) if rank else None
        for rank, value in zip(numbers[::2], numbers[1::2], strict=True)
    ]
    arms: Mapping[Arm, Place] = {arm: place for arm, place in zip(_ARMS, places[:-1], strict=True) if place}
    return Fused(record_id.hex(), round(score, 6), arms, named, places[-1])


def _unfolded(text: str) -> tuple[_About, list[Fused]]:
    packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    unpacker = zlib.decompressobj()
    body = unpacker.decompress(packed, _MOST_BYTES)
    if not unpacker.eof:
        raise ValueError("it is cut, or too long")
    form, length = _HEAD.unpack_from(body)
    if form != _FORM:
        raise ValueError(f"it has the form {form}")
    end = _HEAD.size + length
    about = _About.model_validate_json(body[_HEAD.size : end])
    return about, [_hit(*row) for row in _ROW.iter_unpack(body[end:])]
