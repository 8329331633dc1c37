"""Chunks as passages: whoever embeds them, at first or again by another model, gives the model the same text."""

from collections.abc import Sequence

from medkg_contracts.errors import InputTooLong, MedkgError
from medkg_contracts.ir import Chunk

from .dense import DenseEncoder, Encoded


async def encode_chunks(encoder: DenseEncoder, chunks: Sequence[Chunk], *, truncate: bool) -> Encoded:
    """The chunks' vectors: each under its document's title, and without it where the model has no room for both.

    Args:
        encoder: makes them.
        chunks: of any documents.
        truncate: whether a chunk that is too long by itself is cut; else it is an error.
    """
    encoded = await encoder.encode_each([_titled(chunk) for chunk in chunks])
    bare = [position for position, error in encoded.errors.items() if isinstance(error, InputTooLong)]
    if not bare:
        return encoded
    again = await encoder.encode_each([chunks[position].text for position in bare], truncate=truncate)
    encoded.vectors[bare] = again.vectors
    for place, position in enumerate(bare):
        del encoded.errors[position]
        if place in again.errors:
            encoded.errors[position] = again.errors[place]
        if place in again.truncated:
            encoded.truncated[position] = again.truncated[place]
    return encoded


def chunk_error(chunk: Chunk, encoded: Encoded, position: int) -> MedkgError | None:
    """Why the chunk at this position has no vector; None if it has one. That it is too long is told with its name."""
    error = encoded.errors.get(position)
    return InputTooLong(f"chunk {chunk.ordinal} ({chunk.id}): {error}") if isinstance(error, InputTooLong) else error


def _titled(chunk: Chunk) -> str:
    """The chunk as it is embedded: what its document is about stands before it, unless it begins with that."""
    title = chunk.document_title.strip()
    return chunk.text if not title or chunk.text.startswith(title) else f"{title}\n{chunk.text}"
