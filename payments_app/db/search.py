"""Finding payments by a part of their text, on an index of all groups of three characters.

SQLite keeps the index in an FTS5 table with its trigram tokenizer; PostgreSQL in a GIN index over
an array, since the extension ``pg_trgm`` cannot be had everywhere. The migration makes both.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, false, func, or_, select
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.models import Payment

SEARCHED: Final = (Payment.description, Payment.reference, Payment.method_detail)

_SHORTEST: Final = 3
_FEW: Final = 2_000
_INDEX: Final = named_table("payment_search", named_column("rowid"), named_column("payment_search"))


@dataclass(frozen=True, slots=True)
class Found:
    """What a search comes to: the condition, and whether it leaves only few rows in all.

    Many rows are best met while walking the list in its order.
    """

    condition: ColumnElement[bool]
    few: bool


async def find(session: AsyncSession, text: str) -> Found:
    """Look a text up, in any case of its letters, in the searched columns of payments.

    ``session`` reads for one account: PostgreSQL looks among that account's payments only. The
    answer is kept with the session, since a page and its count ask for the same.
    """
    kept: dict[str, Found] = session.info.setdefault("found", {})
    if text not in kept:
        kept[text] = await _find(session, text)
    return kept[text]


async def _find(session: AsyncSession, text: str) -> Found:
    holds_text = or_(*(col(column).icontains(text, autoescape=True) for column in SEARCHED))
    if len(text) < _SHORTEST:
        return Found(holds_text, few=False)
    keys = (await session.execute(_indexed(session, text, _FEW + 1))).scalars().all()
    if len(keys) > _FEW:
        return Found(holds_text, few=False)
    return Found(col(Payment.id).in_(keys) if keys else false(), few=True)


def _indexed(session: AsyncSession, text: str, limit: int) -> Select[Any]:
    """Return the query of the keys of payments that hold the text, by the index."""
    if session.get_bind().dialect.name == "sqlite":
        phrase = '"' + text.replace('"', '""') + '"'
        return select(_INDEX.c.rowid).where(_INDEX.c.payment_search.match(phrase)).limit(limit)
    return select(func.own_payments_holding(text, limit))
