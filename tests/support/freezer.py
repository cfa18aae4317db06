"""A connection that goes silent: a proxy that takes everything and passes nothing on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy.engine import make_url

from tests.support.sandbox import free_port

_CHUNK = 65536


class Freezer:
    """Passes TCP on to a PostgreSQL server behind a Unix socket."""

    def __init__(self, url: str) -> None:
        self._behind = make_url(url)
        self._port = free_port()
        self._thawed = asyncio.Event()
        self._thawed.set()

    @property
    def url(self) -> str:
        """Where the database is to be reached through this."""
        through = self._behind.set(host="127.0.0.1", port=self._port).set(query={})
        return through.render_as_string(hide_password=False)

    def freeze(self) -> None:
        """Answer nothing any more; connections are still accepted."""
        self._thawed.clear()

    def thaw(self) -> None:
        """Go on where it stopped."""
        self._thawed.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Freezer"]:
        """Accept connections until the block ends."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        try:
            yield self
        finally:
            self.thaw()
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._thawed.wait()
        socket = f"{self._behind.query['host']}/.s.PGSQL.5432"
        inward, outward = await asyncio.open_unix_connection(socket)
        await asyncio.gather(self._pass_on(reader, outward), self._pass_on(inward, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                await self._thawed.wait()
                writer.write(chunk)
                await writer.drain()
        writer.close()
