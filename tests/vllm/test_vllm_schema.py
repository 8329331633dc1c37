"""The real vLLM binds answers to the schemas of our prompts, by the backend that the guide names."""

from pathlib import Path

import jsonschema
import pytest
from medkg_claims.chat import ChatServer, request_for
from medkg_claims.prompt import CLAIMS, DIRECTION, prompt
from pydantic_core import from_json

from .engine import serving
from .tiny_llm import tiny_llm

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(3000)]

PASSAGES = [f"Drug {number} lowered pain against placebo (p = 0.0{number})." for number in range(1, 6)]


async def test_answers_keep_the_schema_whatever_the_model(tmp_path: Path) -> None:
    """A model of random weights answers nonsense of the wanted form, each time that it comes to an end."""
    (tmp_path / "model").mkdir()
    model = tiny_llm(tmp_path / "model")
    whole, cut = 0, 0
    with serving(model, tmp_path / "log", generating=True) as url:
        server = ChatServer(f"{url}/v1", 600)
        name = (await server.served(None)).name
        for asked in (prompt(DIRECTION), prompt(CLAIMS)):
            for text in PASSAGES:
                values = dict.fromkeys(("title", "section", "intervention", "comparator", "outcome"), "pain")
                messages = asked.messages(values | {"text": text})
                reply = await server.complete(request_for(name, asked, messages, 4096))
                cut += reply.is_cut
                if not reply.is_cut:
                    jsonschema.validate(from_json(reply.content), asked.schema)
                    whole += 1
        await server.close()

    print(f"\n{whole} answers valid by their schema, {cut} cut")
    assert 10 == whole + cut
    assert 5 <= whole
