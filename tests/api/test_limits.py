"""What a request may cost before any route is asked: bytes and time, over a real server."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.types import Receive, Scope, Send

from payments_app.api.limits import with_limits
from tests.support.sandbox import free_port, serving

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
