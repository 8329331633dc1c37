"""A server that answers as one with a language model does, for tests."""

from collections.abc import Callable
from typing import Any

import orjson
from medkg_models.testing import FakeVllm


class FakeLlm(FakeVllm):
    """What the server is to be like; `medkg_models.testing.fake_vllm` runs it.

    Attributes:
        reply: makes the answer's content of a request's body.
        asked: the bodies of all requests.
        finish: why answers end.
        room: characters of the longest request.
    """

    def __init__(self, reply: Callable[[dict[str, Any]], str] | None = None) -> None:
        super().__init__()
        self.name = "a/reader"
        self.reply = reply or (lambda _: nothing())
        self.asked: list[dict[str, Any]] = []
        self.finish = "stop"
        self.room = 100_000

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status and the body of an answer."""
        if path != "/v1/chat/completions" or self.down:
            return super().answer(path, body)
        self.asked.append(body)
        if len(str(body["messages"])) > self.room:
            return 400, {"error": {"message": "This model's maximum context length is 512 tokens."}}
        message = {"role": "assistant", "content": self.reply(body)}
        used = {"prompt_tokens": 100, "completion_tokens": 10}
        return 200, {"choices": [{"message": message, "finish_reason": self.finish}], "usage": used}


def nothing() -> str:
    """The answer to a passage without results."""
    return said()


def said(*claims: dict[str, Any], entities: tuple[dict[str, str], ...] = ()) -> str:
    """An answer with these claims and entities; of a claim, what is given instead of `CLAIM`'s own."""
    return orjson.dumps({"claims": [CLAIM | claim for claim in claims], "entities": entities}).decode()


#: A passage, and a claim that it bears out.
PASSAGE = (
    "Meloxicam lowered pain against\nplacebo (mean difference \u22124.2, 95% CI \u22126.1\u2013\u22122.3; p < 0.001)."
)
CLAIM: dict[str, Any] = {
    "quote": PASSAGE.replace("\n", " "),
    "intervention": "meloxicam",
    "comparator": "placebo",
    "outcome": "pain",
    "direction": "significantly decreased",
    "effects": [
        {"measure": "mean difference", "estimate": "-4.2", "ci_lower": "-6.1", "ci_upper": "-2.3", "p_value": "< 0.001"}
    ],
}
