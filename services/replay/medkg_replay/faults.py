"""Faults on request: what a source does on a bad day, for tests and demos.

Written as ``kind[:argument][/n]``, several joined by ``;``. With ``/n`` only every n-th request suffers it.

==================  =====================================================================
``429:2/5``         every fifth request is answered 429 with ``Retry-After: 2``
``503``             every request is answered 503; an argument becomes its ``Retry-After``
``delay:0.2``       every request waits 0.2 s first
``truncate/7``      of every seventh answer half the body is sent, then the connection closes
==================  =====================================================================
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from medkg_contracts.errors import InvalidInput
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Faults of one request, in the same notation.
HEADER = "x-replay-fault"

_API = "/api/"
_FAULT = re.compile(r"(?P<kind>429|503|delay|truncate)(?::(?P<argument>[^/;]+))?(?:/(?P<every>[1-9]\d{0,8}))?")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and how often it strikes.

    Attributes:
        argument: seconds of a delay; the ``Retry-After`` of a refusal, as it is sent.
        every: strikes each request whose number is a multiple of this.
    """

    kind: Literal["429", "503", "delay", "truncate"]
    argument: str = ""
    every: int = 1


def parse_faults(text: str) -> tuple[Fault, ...]:
    """The faults that a setting or a header asks for.

    Raises:
        InvalidInput: one of them is not in the notation of this module.
    """
    return tuple(_parse(part.strip()) for part in text.split(";") if part.strip())


def _parse(text: str) -> Fault:
    match = _FAULT.fullmatch(text)
    if match is None:
        raise InvalidInput(f"{text!r} is no fault; such are 429:2/5, 503/3, delay:0.2 and truncate/7")
    kind = cast("Literal['429', '503', 'delay', 'truncate']", match["kind"])
    argument = match["argument"] or ""
    if kind == "delay" and not re.fullmatch(r"\d+(\.\d+)?", argument, re.ASCII):
        raise InvalidInput(f"{text!r}: a delay needs its seconds, such as delay:0.2")
    return Fault(kind, argument, int(match["every"] or 1))


class FaultMiddleware:
    """Makes API requests suffer the faults that are due; other paths never do."""

    def __init__(self, app: ASGIApp, faults: Sequence[Fault]) -> None:
        self._app = app
        self._faults = tuple(faults)
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not scope["path"].startswith(_API):
            await self._app(scope, receive, send)
            return
        self._requests += 1
        try:
            asked = parse_faults(Headers(scope=scope).get(HEADER, ""))
        except InvalidInput as error:
            await PlainTextResponse(f"{HEADER}: {error}", 400)(scope, receive, send)
            return
        due = [fault for fault in (*self._faults, *asked) if self._requests % fault.every == 0]
        await self._suffer(due, scope, receive, send)

    async def _suffer(self, due: Sequence[Fault], scope: Scope, receive: Receive, send: Send) -> None:
        for fault in due:
            if fault.kind == "delay":
                await asyncio.sleep(float(fault.argument))
        for fault in due:
            if fault.kind in ("429", "503"):
                headers = {"retry-after": fault.argument} if fault.argument else {}
                refusal = PlainTextResponse("asked to fail", int(fault.kind), headers)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, _halved(send) if any(f.kind == "truncate" for f in due) else send)


def _halved(send: Send) -> Send:
    """Announces the whole body and sends half of it; the server closes the connection for want of the rest."""

    async def halved(message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            message = {**message, "body": body[: len(body) // 2], "more_body": True}
        await send(message)

    return halved
