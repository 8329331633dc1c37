"""Asks for a job and for a batch, waits for both, and shows what came of them. Needs `medkg-operations`."""

import asyncio

import medkg


async def main(trial: str = "NCT05814159") -> None:
    async with medkg.connect(by="alice") as kg:
        job = await kg.submit("ctgov", trial)
        state = await job.completed(timeout=300)
        print(job.id, state.status, *sorted(await job.artifacts()))

        batch = await kg.submit_batch("ctgov", query={"cond": "sciatica"}, limit=5)
        async for counts in batch.progress(timeout=300):
            print(counts.total, "of", counts.expected, dict(counts.jobs))

        page = await kg.search("epidural steroid")
        first = page.hits[0].chunk.document_id
        print(page.total, "hits, the first in", first)
        others = await kg.similar(first, size=3)
        print("like it:", *dict.fromkeys(hit.chunk.document_id for hit in others.hits))


if __name__ == "__main__":
    asyncio.run(main())
