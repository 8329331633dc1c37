"""Claims by a language model, which a server in this process plays."""

from collections.abc import AsyncIterator, Iterator

import orjson
import pytest
from medkg_artifacts import ArtifactStore
from medkg_claims import ClaimReader, LlmSettings, StoredAnswers
from medkg_claims.testing import CLAIM, PASSAGE, FakeLlm, said
from medkg_contracts.errors import ConfigurationError, ModelServerUnavailable
from medkg_contracts.ir import Chunk, Span
from medkg_models.testing import fake_vllm

SETTINGS = LlmSettings(extract_llm_timeout_s=5)


@pytest.fixture
def server() -> Iterator[FakeLlm]:
    fake = FakeLlm(lambda body: said({}) if PASSAGE in body["messages"][1]["content"] else said())
    with fake_vllm(fake):
        yield fake


@pytest.fixture
async def reader(server: FakeLlm) -> AsyncIterator[ClaimReader]:
    reader = ClaimReader(server.url, SETTINGS)
    await reader.open()
    yield reader
    await reader.close()


@pytest.fixture
def answers(tmp_path) -> StoredAnswers:
    return StoredAnswers(ArtifactStore(tmp_path), "a-tenant")


def chunks(*texts: str) -> list[Chunk]:
    return [
        Chunk(
            id=f"c{number}", document_id="pmc:1", document_title="A trial", source="pmc", section_id="abstract",
            section_type="abstract", section_title="Results", ordinal=number, text=text,
            span=Span(start=0, end=len(text)), token_count=1,
        )
        for number, text in enumerate(texts)
    ]  # fmt: skip


async def test_chunks_are_read_by_the_prompt_and_its_schema(server, reader, answers):
    """Each chunk is asked about once, as likely as can be, and the answer has to have the schema."""
    found = await reader.read(chunks("Background.", PASSAGE), answers)

    assert ["Meloxicam"] == [claim.intervention for claim in found.claims]
    assert [("a/reader", 0, 1536, "json_schema")] * 2 == [
        (each["model"], each["temperature"], each["max_tokens"], each["response_format"]["type"])
        for each in server.asked
    ]
    assert (2, 0, 200) == (reader.usage.requests, reader.usage.recalled, reader.usage.prompt_tokens)


async def test_a_rerun_asks_nothing(server, reader, answers):
    """The same chunks give the same reading without a request, in another process too; a new chunk is asked about."""
    first = await reader.read(chunks(PASSAGE, "Background."), answers)
    server.asked.clear()
    other = ClaimReader(server.url, SETTINGS)
    await other.open()
    again = await other.read(chunks(PASSAGE, "Background."), answers)
    asked = len(server.asked)
    await other.read(chunks(PASSAGE, "Something new."), answers)
    await other.close()

    assert (first, 0, 1) == (again, asked, len(server.asked))


async def test_answers_are_another_models_or_tenants_own(server, reader, answers, tmp_path):
    """A model from elsewhere under the same name, other parameters and another tenant are asked anew."""
    await reader.read(chunks(PASSAGE), answers)
    await reader.read(chunks(PASSAGE), StoredAnswers(ArtifactStore(tmp_path), "another"))
    server.root = "/models/another"
    for settings in (SETTINGS, SETTINGS.model_copy(update={"extract_llm_max_tokens": 64})):
        other = ClaimReader(server.url, settings)
        await other.open()
        await other.read(chunks(PASSAGE), answers)
        await other.close()

    assert 4 == len(server.asked)


async def test_what_is_no_json_is_asked_for_once_more(server, reader, answers):
    """The second time with the first answer, and what is wrong with it, in sight."""
    server.reply = lambda body: said({}) if len(body["messages"]) == 4 else "Certainly! Here is"
    found = await reader.read(chunks(PASSAGE), answers)

    assert (1, {"answer_invalid": 1}) == (len(found.claims), dict(+found.dropped))
    assert "Certainly! Here is" == server.asked[1]["messages"][2]["content"]


async def test_a_chunk_without_an_answer_costs_no_other_chunk(server, reader, answers):
    """What is no JSON twice is dropped, and counted; so is a chunk that is too long for the model."""
    server.reply = lambda body: "no" if "Bad" in body["messages"][1]["content"] else said({})
    server.room = 4000
    found = await reader.read(chunks(PASSAGE, "Bad.", "Long. " * 1000), answers)

    assert 1 == len(found.claims)
    assert {"answer_invalid": 2, "passage_without_answer": 1, "passage_too_long": 1} == dict(+found.dropped)


async def test_an_answer_that_was_cut_counts_as_far_as_it_goes(server, reader, answers):
    """It is not asked for again, since it would be cut again."""
    server.reply, server.finish = (lambda _: said({}, {})[:-60]), "length"
    found = await reader.read(chunks(PASSAGE), answers)

    assert (1, 1, 1) == (len(server.asked), len(found.claims), found.dropped["answer_cut"])


async def test_chunks_over_the_bound_are_counted(server, answers):
    """They are not asked about."""
    reader = ClaimReader(server.url, SETTINGS.model_copy(update={"extract_llm_chunks": 1}))
    await reader.open()
    found = await reader.read(chunks(PASSAGE, "Two.", "Three."), answers)
    await reader.close()

    assert (1, 2) == (len(server.asked), found.dropped["chunk_over_bound"])


async def test_a_dead_server_is_an_error_that_another_try_may_mend(server, reader, answers):
    """What was answered before is kept, so that the next try goes on from there."""
    await reader.read(chunks(PASSAGE), answers)
    server.down = True
    with pytest.raises(ModelServerUnavailable, match="the engine is dead") as raised:
        await reader.read(chunks(PASSAGE, "Background."), answers)
    server.down = False
    await reader.read(chunks(PASSAGE, "Background."), answers)

    assert "MK_EXTRACT_LLM_URL" in raised.value.info.remedy
    assert 2 == len(server.asked)


async def test_a_reader_that_cannot_work_says_so_when_it_opens(server):
    """Nobody listening may pass; a model that is not served is a wrong setting."""
    with pytest.raises(ModelServerUnavailable):
        await ClaimReader("http://127.0.0.1:1/v1", SETTINGS).open()
    with pytest.raises(ConfigurationError, match="not b/reader, but a/reader"):
        await ClaimReader(server.url, LlmSettings(extract_llm_model="b/reader")).open()


async def test_what_takes_part_is_known_by_digests(reader):
    """Model, prompt and schema, of 64 digits each."""
    assert {"llm", "llm-prompt-claims-1", "llm-schema-claims-1"} == set(reader.digests)
    assert {64} == {len(each) for each in reader.digests.values()}


async def test_the_direction_of_a_comparison_is_read_with_its_quote(server, reader, answers):
    """The quote is found in whichever chunk has it; an invented one is none."""
    server.reply = lambda _: orjson.dumps({"quote": CLAIM["quote"], "direction": CLAIM["direction"]}).decode()
    comparison = ("meloxicam", "placebo", "pain")
    direction, evidence = await reader.direction(comparison, chunks("Background.", PASSAGE), answers)
    _, invented = await reader.direction(comparison, chunks("Background."), answers)

    assert ("significantly decreased", PASSAGE, None) == (direction, evidence.quote, invented)
    assert "Outcome: pain" in server.asked[0]["messages"][1]["content"]
