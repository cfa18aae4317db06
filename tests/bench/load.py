"""Requests over many kept-alive connections at once, written and read with as little as it takes.

The client shares the machine with the portal: what it costs is taken from what is measured.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """What came of some requests; times are seconds."""

    seconds: float
    waits: Sequence[float]

    def wait(self, share: float) -> float:
        """Return within what time that share of the requests was answered."""
        return sorted(self.waits)[min(int(share * len(self.waits)), len(self.waits) - 1)]


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last is answered; every answer has to be 200."""

    def __init__(self, requests: Iterator[bytes], waits: list[float]) -> None:
        self._requests = requests
        self._waits = waits
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._send()

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            self.done.set_result(None)
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        # The answers are small and have no body: each comes in one piece.
        if not data.startswith(b"HTTP/1.1 200") or not data.endswith(b"\r\n\r\n"):
            self.done.set_exception(RuntimeError(data.decode()))
            self._transport.close()
            return
        self._waits.append(time.perf_counter() - self._sent)
        self._send()


async def send_all(port: int, requests: Sequence[bytes], connections: int) -> Load:
    """Send raw HTTP requests over so many connections, each waiting for its answer."""
    loop, waits = asyncio.get_running_loop(), list[float]()
    queue = iter(requests)
    began = time.perf_counter()
    made = [
        await loop.create_connection(lambda: _Connection(queue, waits), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(connection.done for _, connection in made))
    return Load(time.perf_counter() - began, waits)


def post(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """Write one HTTP request."""
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n"
    return (head + "".join(lines) + "\r\n").encode() + body
