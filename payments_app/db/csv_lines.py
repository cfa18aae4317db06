"""CSV written by the database itself: lines come in large pieces, never as rows of Python.

PostgreSQL's COPY writes the whole file; SQLite joins some thousand lines at a time. Either way the
event loop only passes text on (RFC 4180, UTF-8).
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import (
    LargeBinary,
    Select,
    SQLColumnExpression,
    String,
    case,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.db.dialects import is_sqlite
from payments_app.db.keyset import Sorting
from payments_app.db.offsets import Offsets
from payments_app.domain.money import EXPONENTS

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")
"""What makes a spreadsheet run a cell (OWASP, CSV Injection), full-width forms included."""

_LINES_PER_SLICE: Final = 8_000
_PIECES_AHEAD: Final = 16
_LONGEST_COPY: Final = 24 * 3600
"""Seconds, in place of the connection's own limit for an answer."""
_USUAL_DECIMALS: Final = 2
_COMMON: Final = ("EUR", "GBP", "PHP", "USD")
_NEEDS_QUOTES: Final = '*[",\n\r]*'
_MAY_RUN: Final = f"[-{''.join(start for start in FORMULA_STARTS if start != '-')}]*"

Cell = SQLColumnExpression[Any]


class Cells:
    """Writes the cells of a line in the dialect of a session's database.

    ``offsets`` are the zone's, for the time that the rows span.
    """

    def __init__(self, session: AsyncSession, offsets: Offsets) -> None:
        self._sqlite = is_sqlite(session)
        self._offsets = offsets

    def moment(self, column: Any) -> Cell:
        """Write a point in time to the second, in the zone (``2026-07-01T17:00:00+08:00``)."""
        if not self._sqlite:
            # COPY runs with the zone as the session's; JSON's form of a time is ISO 8601.
            return func.to_json(func.date_trunc("second", column)).op("#>>")(sql("'{}'"))
        (_, first), *later = self._offsets
        changes = [(column >= start, _at(column, offset)) for start, offset in reversed(later)]
        return case(*changes, else_=_at(column, first)) if changes else _at(column, first)

    def amount(self, minor: Any, currency: Any) -> Cell:
        """Write minor units as a plain decimal (``-12.50``)."""
        by_decimals: dict[int, list[str]] = {}
        for code, decimals in EXPONENTS.items():
            by_decimals.setdefault(decimals, []).append(code)
        usual = self._decimal(minor, _USUAL_DECIMALS)
        return case(
            (currency.in_(_COMMON), usual),  # the rest of the list takes a third of a line's time
            *(
                (currency.in_(codes), self._decimal(minor, decimals))
                for decimals, codes in by_decimals.items()
                if decimals != _USUAL_DECIMALS
            ),
            else_=usual,
        )

    def _decimal(self, minor: Any, decimals: int) -> Cell:
        if not decimals:
            return cast(minor, String)
        if not self._sqlite:
            return cast(minor * sql(f"1e-{decimals}::numeric({decimals}, {decimals})"), String)
        scale = 10**decimals
        sign = case((minor < 0, "-"), else_="")
        whole, rest = func.abs(minor).op("/")(scale), func.abs(minor) % scale
        return func.printf(f"%s%d.%0{decimals}d", sign, whole, rest, type_=String)

    def text(self, column: Any) -> Cell:
        """Write text that no spreadsheet takes for a formula: an apostrophe goes before it."""
        code_of_first = (func.unicode if self._sqlite else func.ascii)(column)
        risky = code_of_first.in_([ord(start) for start in FORMULA_STARTS])
        harmless = case((risky, literal("'").concat(column)), else_=column)
        if not self._sqlite:
            return harmless
        in_quotes = literal('"').concat(func.replace(harmless, '"', '""')).concat('"')
        return case(
            (column.op("glob")(_NEEDS_QUOTES), in_quotes),
            (column.op("glob")(_MAY_RUN), harmless),
            else_=column,
        )

    def named(self, column: Any, names: Mapping[str, str], otherwise: Any = None) -> Cell:
        """Write what a code is called, or ``otherwise``."""
        if not names:
            return otherwise if isinstance(otherwise, SQLColumnExpression) else literal(otherwise)
        written = {code: self._constant(name) for code, name in names.items()}
        return case(*((column == code, name) for code, name in written.items()), else_=otherwise)

    def _constant(self, name: str) -> str:
        plain = not self._sqlite or not any(mark in name for mark in '",\n\r')
        return name if plain else '"' + name.replace('"', '""') + '"'

    def before_colon(self, column: Any) -> Cell:
        """Return the part of a code before its detail (``declined`` of ``declined:lost_card``)."""
        if not self._sqlite:
            return func.split_part(column, ":", 1)
        return func.substr(column, 1, func.instr(column.concat(":"), ":") - 1, type_=String)


async def csv_pieces(
    session: AsyncSession, rows: Select[Any], cells: Sequence[Cell], sorting: Sorting, zone: str
) -> AsyncIterator[bytes]:
    """Give the lines of a query's rows without a header; ``session`` is one of a snapshot."""
    if is_sqlite(session):
        pieces = _slices(session, rows, cells, sorting)
    else:
        pieces = _copied(session, sorting.sort(rows).with_only_columns(*cells), zone)
    async for piece in pieces:
        yield piece


async def _slices(
    session: AsyncSession, rows: Select[Any], cells: Sequence[Cell], sorting: Sorting
) -> AsyncIterator[bytes]:
    line = func.printf(",".join(["%s"] * len(cells)) + "\r\n", *cells).label("line")
    slices = [_slice(rows, line, sorting), _slice(rows.where(sorting.beyond()), line, sorting)]
    after: dict[str, Any] = {}
    while True:
        joined, last = slices[bool(after)]
        if piece := (await session.execute(joined, after)).scalar_one():
            yield piece
        found = (await session.execute(last, after)).one_or_none()
        if found is None:
            return
        after = sorting.cursor(found)


def _slice(rows: Select[Any], line: Any, sorting: Sorting) -> tuple[Select[Any], Select[Any]]:
    """Return the query of a slice's joined lines, and the one of the key of its last line."""
    rest = sorting.sort(rows)
    part = rest.with_only_columns(line).limit(_LINES_PER_SLICE).subquery()
    last = rest.with_only_columns(*sorting.columns).limit(1).offset(_LINES_PER_SLICE - 1)
    # As bytes, so that nothing copies the text to decode and encode it.
    return select(cast(func.group_concat(part.c.line, ""), LargeBinary)), last


async def _copied(session: AsyncSession, query: Select[Any], zone: str) -> AsyncIterator[bytes]:
    """Let COPY write into a queue as fast as its reader takes; end it when the reader leaves."""
    await session.execute(
        select(
            func.set_config("timezone", zone, True), func.set_config("statement_timeout", "0", True)
        )
    )
    connection = await (await session.connection()).get_raw_connection()
    driver: Any = connection.driver_connection
    statement = query.compile(
        dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]
        compile_kwargs={"literal_binds": True},
    )
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(_PIECES_AHEAD)

    async def copy() -> None:
        try:
            await driver.copy_from_query(
                str(statement), output=queue.put, format="csv", timeout=_LONGEST_COPY
            )
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
        copying.cancel()
        with suppress(asyncio.CancelledError):
            await copying


def _with_crlf(piece: bytes, quoted: bool) -> tuple[bytes, bool]:
    """Give lines CRLF at their ends, but not within quotes; also whether quotes stay open."""
    parts = piece.split(b'"')
    for number in range(int(quoted), len(parts), 2):
        parts[number] = parts[number].replace(b"\n", b"\r\n")
    return b'"'.join(parts), quoted ^ (len(parts) % 2 == 0)


def _at(column: Any, offset: timedelta) -> Cell:
    seconds = int(offset.total_seconds())
    hours, minutes = divmod(abs(seconds) // 60, 60)
    suffix = f"{'-' if seconds < 0 else '+'}{hours:02}:{minutes:02}"
    if not seconds:  # in a third of the time
        day, time = (func.substr(column, *part, type_=String) for part in ((1, 10), (12, 8)))
        return day.concat("T").concat(time).concat(suffix)
    to_the_second = func.substr(column, 1, 19, type_=String)
    return func.strftime(
        f"%Y-%m-%dT%H:%M:%S{suffix}", to_the_second, f"{seconds:+} seconds", type_=String
    )
