"""CSV written by the database itself: lines come in large pieces, never as rows of Python.

PostgreSQL's COPY writes the whole file; SQLite joins some thousand lines at a time. Either way the
event loop only passes text on (RFC 4180, UTF-8).
"""

import asyncio
import math
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import LargeBinary, Select, cast, func, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.db.csv_cells import Cell
from payments_app.db.dialects import is_sqlite
from payments_app.db.keyset import Sorting

_LINES_PER_SLICE: Final = 4_000
_SLICES_AHEAD: Final = 2
_BEHIND_ALL, _BEFORE_ALL = b"", -math.inf
"""SQLite sorts whatever bytes behind all texts, and those behind all numbers."""
_PIECES_AHEAD: Final = 16
_LEAST_PIECE: Final = 64 * 1024
"""Bytes: COPY gives some kilobytes at a time, and to send any number costs the same."""
_NEITHER: Final = bytes(set(range(256)) - set(b'"\n'))
_LONGEST_COPY: Final = 24 * 3600
"""Seconds, in place of the connection's own limit for an answer."""


async def csv_pieces(
    session: AsyncSession, rows: Select[Any], values: Sequence[Any], sorting: Sorting, zone: str
) -> AsyncIterator[bytes]:
    """Give the lines of a query's rows without a header; ``session`` is one of a snapshot.

    The values are cells, or what makes cells that need no quotes.
    """
    cells = [Cell.of(value) for value in values]
    written = _slices if is_sqlite(session) else partial(_copied, zone=zone)
    async for piece in written(session, rows, cells, sorting):
        yield piece


async def _slices(
    session: AsyncSession, rows: Select[Any], cells: Sequence[Cell], sorting: Sorting
) -> AsyncIterator[bytes]:
    """Read slice by slice in the connection's thread, which the event loop never keeps waiting."""
    form = ",".join(cell.form for cell in cells) + "\r\n"
    line = func.printf(form, *(value for cell in cells for value in cell.values)).label("line")
    joined, last = _slice(rows.where(sorting.beyond(raw=True)), line, sorting)
    start = _BEHIND_ALL if sorting.descends else _BEFORE_ALL
    after: Sequence[Any] | None = [start] * len(sorting.columns)
    left = False

    def read(connection: sqlite3.Connection) -> bytes | None:
        nonlocal after
        if after is None or left:
            return None
        key = sorting.cursor(after)
        [piece] = connection.execute(joined.text, joined.values | key).fetchone()
        after = connection.execute(last.text, last.values | key).fetchone()
        return piece or b""

    driver = await _driver(session)
    ahead = deque(asyncio.create_task(driver.visit(read)) for _ in range(_SLICES_AHEAD))
    try:
        while (piece := await ahead.popleft()) is not None:
            ahead.append(asyncio.create_task(driver.visit(read)))
            if piece:
                yield piece
    finally:
        left = True
        await _end(*ahead)


@dataclass(frozen=True, slots=True)
class _Raw:
    """A statement as SQLite's own driver takes it."""

    text: str
    values: dict[str, Any]

    @classmethod
    def of(cls, query: Select[Any]) -> "_Raw":
        # With values apart the text is the same for all accounts: a connection keeps what it has
        # prepared, and these are large.
        dialect = sqlite.dialect(paramstyle="named")
        written = query.compile(dialect=dialect).construct_expanded_state()
        plain = {
            name: written.processors[name](value) if name in written.processors else value
            for name, value in written.parameters.items()
        }
        return cls(written.statement, plain)


def _slice(rows: Select[Any], line: Any, sorting: Sorting) -> tuple[_Raw, _Raw]:
    """Return the statement of a slice's joined lines, and the one of the key of its last line."""
    rest = sorting.sort(rows)
    part = rest.with_only_columns(line).limit(_LINES_PER_SLICE).subquery()
    last = rest.with_only_columns(*sorting.columns).limit(1).offset(_LINES_PER_SLICE - 1)
    # As bytes, so that nothing copies the text to decode and encode it.
    joined = select(cast(func.group_concat(part.c.line, ""), LargeBinary))
    return _Raw.of(joined), _Raw.of(last)


async def _copied(
    session: AsyncSession, rows: Select[Any], cells: Sequence[Cell], sorting: Sorting, *, zone: str
) -> AsyncIterator[bytes]:
    """Let COPY write into a queue as fast as its reader takes; end it when the reader leaves."""
    # Two processes write a file a third faster than one. A third would only take from those who
    # wait for a page.
    settings = {
        "timezone": zone,
        "statement_timeout": "0",
        "max_parallel_workers_per_gather": "1",
        "jit": "off",
    }
    await session.execute(
        select(*(func.set_config(name, value, True) for name, value in settings.items()))
    )
    columns = [cell.values[0].label(f"cell_{n}") for n, cell in enumerate(cells)]
    in_quotes = [f"cell_{n}" for n, cell in enumerate(cells) if cell.quoted]
    query = sorting.sort(rows).with_only_columns(*columns)
    # In the words of the driver in use: others write each percent sign twice.
    statement = query.compile(
        dialect=session.get_bind().dialect, compile_kwargs={"literal_binds": True}
    )
    driver = await _driver(session)
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(_PIECES_AHEAD)
    waiting = bytearray()

    async def collect(lines: bytes) -> None:
        waiting.extend(lines)
        if len(waiting) >= _LEAST_PIECE:
            await queue.put(bytes(waiting))
            waiting.clear()

    async def copy() -> None:
        try:
            await driver.copy_from_query(
                str(statement),
                output=collect,
                format="csv",
                force_quote=in_quotes or None,
                timeout=_LONGEST_COPY,
            )
            if waiting:
                await queue.put(bytes(waiting))
        finally:
            await queue.put(None)

    copying = asyncio.create_task(copy())
    quoted = False
    try:
        while (piece := await queue.get()) is not None:
            lines, quoted = _with_crlf(piece, quoted)
            yield lines
        await copying
    finally:
        await _end(copying)


async def _driver(session: AsyncSession) -> Any:
    connection = await (await session.connection()).get_raw_connection()
    return connection.driver_connection


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _with_crlf(piece: bytes, quoted: bool) -> tuple[bytes, bool]:
    """Give lines CRLF at their ends, but not within quotes; also whether quotes stay open."""
    # Where each newline has pairs of quotes before it, none stands within quotes.
    if not quoted and b'"' not in piece.translate(None, _NEITHER).replace(b'""', b""):
        return piece.replace(b"\n", b"\r\n"), False
    parts = piece.split(b'"')
    for number in range(int(quoted), len(parts), 2):
        parts[number] = parts[number].replace(b"\n", b"\r\n")
    return b'"'.join(parts), quoted ^ (len(parts) % 2 == 0)
