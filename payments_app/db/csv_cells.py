"""The cells of a CSV's lines, in the words of each database.

A line costs what its functions cost, a million times: what stands here is the cheapest that was
found (docs/performance.md).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import SQLColumnExpression, String, and_, case, cast, func, literal
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.expression import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from payments_app.db.dialects import is_sqlite
from payments_app.db.offsets import Offsets
from payments_app.domain.money import EXPONENTS

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")
"""What makes a spreadsheet run a cell (OWASP, CSV Injection), full-width forms included."""

_USUAL_DECIMALS: Final = 2
_COMMON: Final = ("USD", "EUR", "GBP", "PHP")
_MAY_RUN: Final = f"[-{''.join(start for start in FORMULA_STARTS if start != '-')}]*"
_STORED: Final = "%Y-%m-%d %H:%M:%S"
_FIRST_LETTER, _BEHIND_LETTERS = "A", "{"
_NEED_QUOTES: Final = '",\r\n'

Value = SQLColumnExpression[Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: on PostgreSQL one value, on SQLite those that ``form`` puts together.

    SQLite writes a whole line with one printf, of which ``form`` is a part: a call less for each
    cell. Text from outside is always ``quoted``, which is cheaper than to look whether it has to
    be.
    """

    values: tuple[Any, ...]
    form: str = "%s"
    quoted: bool = False

    @classmethod
    def of(cls, value: Any) -> "Cell":
        """Take a value as a cell that needs no quotes."""
        return value if isinstance(value, cls) else cls((value,))


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
            whole = func.date_bin(sql("interval '1 second'"), column, sql("timestamptz 'epoch'"))
            return Cell((func.split_part(cast(func.to_json(whole), String), '"', 2),))
        moments = [(start, _shifted(column, offset)) for start, offset in self._offsets]
        suffixes = [(start, literal(_suffix(offset))) for start, offset in self._offsets]
        return Cell((_by_time(column, moments), _by_time(column, suffixes)), "%.19s%s")

    def amount(self, minor: Any, currency: Any) -> Cell:
        """Write minor units as a plain decimal (``-12.50``), and nothing for none."""
        if not self._sqlite:
            return Cell((_by_decimals(currency, lambda decimals: _decimal(minor, decimals)),))
        # What may be missing is not a number, which SQLite would write as 0.
        form = "%s%s%s" if minor.nullable else "%s%d%s"
        size = func.abs(minor)
        whole = _by_decimals(currency, lambda decimals: size.op("/")(10**decimals))
        rest = _by_decimals(currency, lambda decimals: _behind_point(size, decimals))
        return Cell((case((minor < 0, "-")), whole, rest), form)

    def text(self, value: Any, outside: Any = None) -> Cell:
        """Write text that no spreadsheet takes for a formula: an apostrophe goes before it.

        ``outside`` is the part of the value that comes from outside, when it is not all.
        """
        risky = self._risky(value if outside is None else outside)
        if not self._sqlite:
            return Cell((case((risky, literal("'").concat(value)), else_=value),), quoted=True)
        return Cell((case((risky, "'")), value), '"%s%w"', quoted=True)

    def _risky(self, column: Any) -> Value:
        if not self._sqlite:
            return func.ascii(column).in_([ord(start) for start in FORMULA_STARTS])
        harmless = column.between(_FIRST_LETTER, _BEHIND_LETTERS)  # and so are nearly all
        return and_(~harmless, column.op("glob")(_MAY_RUN))

    def named(
        self, column: Any, names: Mapping[str, str], otherwise: Any = None, *, quoted: bool = False
    ) -> Any:
        """Return what a code is called, or ``otherwise``; ``quoted`` says that the cell is."""
        if not names:
            return otherwise if isinstance(otherwise, SQLColumnExpression) else literal(otherwise)
        written = names if quoted else {code: self._bare(name) for code, name in names.items()}
        return case(written, value=column, else_=otherwise)

    def _bare(self, name: str) -> str:
        plain = not self._sqlite or not any(mark in name for mark in _NEED_QUOTES)
        return name if plain else '"' + name.replace('"', '""') + '"'

    def before_colon(self, column: Any) -> Value:
        """Return the part of a code before its detail (``declined`` of ``declined:lost_card``)."""
        if not self._sqlite:
            return func.split_part(column, ":", 1)
        return func.substr(column, 1, func.instr(column.concat(":"), ":") - 1, type_=String)


def _by_decimals(currency: Any, write: Callable[[int], Any]) -> Value:
    """Choose by how many decimals a currency has."""
    by_decimals: dict[int, list[str]] = {}
    for code, decimals in EXPONENTS.items():
        by_decimals.setdefault(decimals, []).append(code)
    del by_decimals[_USUAL_DECIMALS]
    usual = write(_USUAL_DECIMALS)
    return case(
        (currency.in_(_COMMON), usual),  # the rest of the list takes a third of a line's time
        *((currency.in_(codes), write(decimals)) for decimals, codes in by_decimals.items()),
        else_=usual,
    )


def _decimal(minor: Any, decimals: int) -> Value:
    return minor * sql(f"1e-{decimals}::numeric({decimals + 1}, {decimals})")  # type: ignore[no-any-return]


def _behind_point(size: Any, decimals: int) -> Any:
    if not decimals:
        return ""
    scale = 10**decimals
    return literal(".").concat(func.substr(size % scale + scale, 2, type_=String))


def _by_time(column: Any, by_start: Sequence[tuple[datetime, Value]]) -> Value:
    """Choose by when a moment is; each holds from its start to the next one's, the first always."""
    if len(by_start) == 1:
        return by_start[0][1]
    # In halves, since a row would pass all changes one by one. With the plus SQLite compares text;
    # a column of dates it would try to read as a number first.
    middle = len(by_start) // 2
    moment: Any = UnaryExpression(column, operator=custom_op("+"), type_=String())
    is_later = moment >= by_start[middle][0].strftime(_STORED)
    later = _by_time(column, by_start[middle:])
    return case((is_later, later), else_=_by_time(column, by_start[:middle]))


def _shifted(column: Any, offset: timedelta) -> Value:
    """Write a stored time in the zone; what stands behind its seconds is left to be cut off."""
    seconds = int(offset.total_seconds())
    moved = column
    if seconds:
        # Without its fraction, which SQLite would round.
        moved = func.datetime(func.substr(column, 1, 19), f"{seconds:+} seconds")
    return func.replace(moved, " ", "T", type_=String)


def _suffix(offset: timedelta) -> str:
    seconds = int(offset.total_seconds())
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02}:{minutes:02}"
