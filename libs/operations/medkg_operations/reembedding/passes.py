"""Goes through all documents until none lacks vectors of a model, or until none has any."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from medkg_contracts.errors import IndexUnavailable, MedkgError

from .emptying import empty, holding
from .filling import SLICE, Filled, Filler, Lacking, lacking
from .manifests import changed_at_once, manifest_pages
from .progress import FillProgress, Watch
from .stores import TenantStores

#: Groups of documents that are filled at once: while one is encoded, the other is read and written.
AT_ONCE: Final = 2
#: Passes over all documents. Each finds what was written or changed during the one before it, which is ever less.
MOST_PASSES: Final = 20
#: Seconds before a pass is begun again in which a server did not answer.
WAITS_S: Final = (1.0, 2.0, 4.0, 8.0, 15.0)


@dataclass(slots=True)
class Passed:
    """What passes have done.

    Attributes:
        documents: filled.
        chunks: embedded.
        truncated: of them, cut.
        failures: why documents cannot be filled, by document.
    """

    documents: int = 0
    chunks: int = 0
    truncated: int = 0
    failures: dict[str, MedkgError] = field(default_factory=dict)

    def add(self, filled: Filled) -> None:
        """Count what a group came to."""
        self.documents += filled.documents
        self.chunks += filled.chunks
        self.truncated += filled.truncated
        self.failures |= filled.failures


@dataclass(frozen=True, slots=True)
class Missing:
    """What lacks vectors of a model.

    Attributes:
        documents: whose visible version does.
        records: the chunks of those versions.
        overtaken: documents of which another version was being written.
    """

    documents: int = 0
    records: int = 0
    overtaken: int = 0


async def missing(stores: TenantStores, model: str, *, overtake: bool = False) -> Missing:
    """What lacks vectors of the model now.

    Args:
        stores: the tenant's.
        model: its key.
        overtake: have whoever writes a version without such vectors begin anew.
    """
    documents = records = overtaken = 0
    async for page in manifest_pages(stores):
        found = lacking(page, model)
        documents += len(found)
        records += sum(len(each.version.records) for each in found)
        if overtake:
            unsealed = [record for record in page if record.manifest.overtaken(model) != record.manifest]
            overtaken += len(unsealed)
            await changed_at_once(stores, unsealed, lambda manifest: manifest.overtaken(model))
    return Missing(documents, records, overtaken)


async def fill_all(stores: TenantStores, filler: Filler, model: str, watch: Watch) -> Passed:
    """Fill all that lacks vectors of the model, and then what was written meanwhile.

    Raises:
        ResourceUnavailable: a server does not answer, for longer than a moment. Done again, it goes on from there.
    """
    wanted, began, passed = await missing(stores, model), monotonic(), Passed()

    def filled(group: Filled) -> None:
        passed.add(group)
        seconds = monotonic() - began
        watch.filling(FillProgress(passed.documents, passed.chunks, wanted.documents, wanted.records, seconds))

    tries = 0
    for _ in range(MOST_PASSES):
        chunks = passed.chunks
        try:
            if not await _pass(stores, filler, model, passed, filled):
                break
        except MedkgError as error:
            tries = 0 if passed.chunks > chunks else tries
            if not error.retryable or tries == len(WAITS_S):
                raise
            watch.say(f"[{error.code}] {error}; trying again in {WAITS_S[tries]:g} s")
            await asyncio.sleep(WAITS_S[tries])
            tries += 1
    return passed


async def empty_all(stores: TenantStores, model: str, watch: Watch) -> int:
    """Remove the model's vectors from all documents; how many vectors that were.

    Raises:
        ResourceUnavailable: a server does not answer. Done again, it goes on from there.
    """
    documents = vectors = 0
    for _ in range(MOST_PASSES):
        found = 0
        async for page in manifest_pages(stores):
            records = holding(page, model)
            found += len(records)
            vectors += await empty(stores, records, model)
            watch.emptying(documents + found)
        if not found:
            return vectors
        documents += found
    raise IndexUnavailable(f"the documents of tenant {stores.names.tenant!r} are changed by others all the time")


async def _pass(
    stores: TenantStores, filler: Filler, model: str, passed: Passed, filled: Callable[[Filled], None]
) -> int:
    """Fill what lacks vectors, and has not failed before; how many documents that are."""
    found = 0
    running: set[asyncio.Task[Filled]] = set()
    try:
        async for page in manifest_pages(stores):
            left = [one for one in lacking(page, model) if one.record.manifest.document_id not in passed.failures]
            found += len(left)
            for group in _groups(left):
                if len(running) == AT_ONCE:
                    done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        filled(task.result())
                running.add(asyncio.create_task(filler.fill(group)))
        for each in asyncio.as_completed(running):
            filled(await each)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    return found


def _groups(found: Sequence[Lacking]) -> Iterator[list[Lacking]]:
    """The versions in groups of about so many chunks as are encoded at once; a larger one goes alone."""
    group: list[Lacking] = []
    size = 0
    for each in found:
        if group and size + len(each.version.records) > SLICE:
            yield group
            group, size = [], 0
        group.append(each)
        size += len(each.version.records)
    if group:
        yield group
