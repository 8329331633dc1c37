"""Which entities a chunk's record has: those that its own text names, and those that its document is about. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from medkg_contracts.ir import Chunk
from medkg_contracts.knowledge import Entities

#: The field of those that the chunk's own text names.
NAMED: Final = "named"
#: The field of all of them.
ENTITIES: Final = "entities"


def chunk_entities(chunks: Sequence[Chunk], entities: Entities | None) -> list[dict[str, list[str]]]:
    """What each chunk's record has of its document's entities, as `CHUNKS` maps it; no field that is empty.

    What a text says is not so, it names all the same, as it does for whoever looks for words: "no history of asthma" is
    about asthma. What is so is asked of the graph.

    Args:
        chunks: of the document.
        entities: its own; None where nobody looked for any.
    """
    if entities is None:
        return [{} for _ in chunks]
    known = ((one.span.start, one.span.end, one.entity) for one in entities.mentions if one.entity is not None)
    mentions = sorted(known)
    starts = [start for start, _, _ in mentions]
    found = []
    for chunk in chunks:
        begins = bisect_left(starts, chunk.span.start), bisect_left(starts, chunk.span.end)
        named = {entity for _, end, entity in mentions[slice(*begins)] if end <= chunk.span.end}
        fields = {NAMED: sorted(named), ENTITIES: sorted(named.union(entities.about))}
        found.append({field: ids for field, ids in fields.items() if ids})
    return found
