"""What a request may cost before any route is asked: bytes and time, over a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.types import Receive, Scope, Send

from payments_app.api.limits import with_limits
from tests.support.sandbox import eventually, free_port, serving

LIMIT = 1000


@pytest.fixture
async def port() -> AsyncIterator[int]:
    app, port = FastAPI(openapi_url=None), free_port()

    @app.post("/length")
    async def length(request: Request) -> int:
        return len(await request.body())

    async with serving(with_limits(app, LIMIT, body_seconds=0.3), port):
        yield port


async def answer(port: int, *pieces: bytes, header: bytes = b"") -> bytes:
    """Send pieces as they are and return what comes until the server closes, or its status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /length HTTP/1.1\r\nHost: portal.test\r\n" + header + b"\r\n")
    for piece in pieces:
        writer.write(piece)
    await writer.drain()
    status = await reader.readline()
    writer.close()
    return status


async def test_a_body_within_the_limit_passes(port: int) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 100

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        assert (await http.post("/length", content=b"x" * LIMIT)).json() == LIMIT
        assert (await http.post("/length", content=pieces())).json() == LIMIT
        assert (await http.post("/length")).json() == 0


async def test_a_body_that_says_or_turns_out_to_be_larger_is_refused(port: int) -> None:
    said = b"Content-Length: 1001\r\n"
    assert b" 413 " in await answer(port, header=said)
    chunked = b"Transfer-Encoding: chunked\r\n"
    chunk = b"1f4\r\n" + b"x" * 500 + b"\r\n"
    assert b" 413 " in await answer(port, chunk, chunk, chunk, header=chunked)


async def test_a_client_that_goes_away_within_its_body_asks_for_nothing() -> None:
    asked: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        asked.append(scope["type"])

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def unheard(_message: object) -> None:
        raise AssertionError("nobody is there to be answered")

    await with_limits(app, LIMIT)({"type": "http", "headers": []}, gone, unheard)
    assert asked == []


async def test_a_body_that_does_not_come_is_not_waited_for(port: int) -> None:
    assert b" 408 " in await answer(port, b"x", header=b"Content-Length: 100\r\n")


Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connected(port: int, *lines: str) -> Client:
    """Ask for something with these header lines; nothing is read unless the test does."""
    client = await asyncio.open_connection("127.0.0.1", port, limit=1)
    client[1].write("\r\n".join((*lines, "Host: portal.test", "", "")).encode())
    await client[1].drain()
    return client


async def read_to_the_end(reader: asyncio.StreamReader) -> int:
    taken = 0
    with suppress(ConnectionError):
        while piece := await reader.read(65536):
            taken += len(piece)
    return taken


@pytest.fixture
async def endless() -> AsyncIterator[tuple[int, list[str]]]:
    """A server that sends without end, and the list of what has ended."""
    ended: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.accept"})
                while True:
                    await send({"type": "websocket.send", "bytes": b"x" * 65536})
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
        finally:
            ended.append(scope["type"])

    port = free_port()
    async with serving(with_limits(app, LIMIT, answer_seconds=0.5), port):
        yield port, ended


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("http", ["GET / HTTP/1.1"]),
        (
            "websocket",
            [
                "GET / HTTP/1.1",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            ],
        ),
    ],
)
async def test_a_client_that_takes_nothing_of_its_answer_is_cut_off(
    endless: tuple[int, list[str]], kind: str, lines: list[str]
) -> None:
    port, ended = endless
    reader, writer = await connected(port, *lines)

    async def cut_off() -> bool:
        return ended == [kind]

    await eventually(cut_off)
    async with asyncio.timeout(10):
        assert await read_to_the_end(reader) > 0
    writer.close()
