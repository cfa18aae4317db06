"""What one request or socket may cost before anything else looks at it: bytes and time."""

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_SECONDS: Final = 20.0
"""A body that has not come by then is not waited for."""
ANSWER_SECONDS: Final = 60.0
"""A client that takes no further piece of its answer for so long is cut off."""
_LARGEST_FRAME: Final = 64 * 1024
_ENGINE_IO: Final = "0123456"
"""What a text message of Engine.IO, revision 4, begins with."""


class Refused(Exception):
    """The body is larger than any that is wanted here (413), or does not come (408)."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status = status
        self.word = word


def with_limits(
    app: "ASGIApp",
    most_bytes: int,
    body_seconds: float = BODY_SECONDS,
    answer_seconds: float = ANSWER_SECONDS,
) -> "ASGIApp":
    """Read each body to its end before the app is asked: 413 above the limit, 408 when it is slow.

    Messages of a WebSocket that are none of the event socket's end its connection. So does, of
    requests and sockets, a client that takes nothing of what it is sent.
    """

    async def limited(scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "websocket":
            await app(scope, _frames(receive), _patient(send, answer_seconds))
        elif scope["type"] != "http":
            await app(scope, receive, send)
        else:
            try:
                body = await whole_body(scope, receive, most_bytes, body_seconds)
            except Refused as refused:
                await _refuse(refused, scope, receive, send)
            else:
                if body["type"] == "http.request":  # and has not gone away meanwhile
                    await app(scope, _again(body, receive), _patient(send, answer_seconds))

    return limited


async def whole_body(
    scope: "Scope", receive: "Receive", most_bytes: int, seconds: float = BODY_SECONDS
) -> "Message":
    """Read a request's body into one message; another message says that the client has gone away.

    Raises Refused when it says or turns out to be larger, or has not come in time.
    """
    said = dict(scope["headers"]).get(b"content-length", b"")
    if said.isdigit() and int(said[:20]) > most_bytes:
        raise Refused(413, "too large")
    try:
        async with asyncio.timeout(seconds):
            return await _gathered(receive, most_bytes)
    except TimeoutError:
        raise Refused(408, "too slow") from None


async def _gathered(receive: "Receive", most_bytes: int) -> "Message":
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        body += message.get("body", b"")
        if len(body) > most_bytes:
            raise Refused(413, "too large")
        if not message.get("more_body"):
            return {"type": "http.request", "body": bytes(body), "more_body": False}


def _again(first: "Message", receive: "Receive") -> "Receive":
    waiting = [first]

    async def received() -> "Message":
        return waiting.pop() if waiting else await receive()

    return received


def _patient(send: "Send", seconds: float) -> "Send":
    async def sent(message: "Message") -> None:
        async with asyncio.timeout(seconds):
            await send(message)

    return sent


def _frames(receive: "Receive") -> "Receive":
    async def received() -> "Message":
        message = await receive()
        if message["type"] == "websocket.receive":
            frame: str | bytes = message.get("text") or message.get("bytes") or ""
            known = isinstance(frame, bytes) or frame[:1] in _ENGINE_IO
            if not frame or not known or len(frame) > _LARGEST_FRAME:
                return {"type": "websocket.disconnect", "code": 1008}
        return message

    return received


async def _refuse(refused: Refused, scope: "Scope", receive: "Receive", send: "Send") -> None:
    closing = {"Connection": "close"}
    answer = JSONResponse({"detail": refused.word}, refused.status, headers=closing)
    await answer(scope, receive, send)
