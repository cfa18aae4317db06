"""Finding payments by a part of their text, on an index of all groups of three characters.

SQLite keeps the index in FTS5 tables with its trigram tokenizer; PostgreSQL in a table of its own
with a GIN index over an array, since the extension ``pg_trgm`` cannot be had everywhere. The
migrations make both. The means of payment stand apart: they become known when a payment completes,
and the other texts are not indexed anew for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, CompoundSelect, Select, false, func, or_, select, union_all
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.dialects import is_sqlite
from payments_app.db.models import Payment

SEARCHED: Final = (Payment.description, Payment.reference, Payment.method_detail)
"""What customers search."""
NEWEST_READ: Final = 10_000
"""A text too short for the index is looked for in so many payments, the newest ones."""

Query = Select[Any] | CompoundSelect[Any]

_SHORTEST: Final = 3
_FEW: Final = 2_000
_TEXTS: Final = named_table("payment_search", named_column("rowid"), named_column("payment_search"))
_MEANS: Final = named_table(
    "payment_search_means", named_column("rowid"), named_column("payment_search_means")
)


def is_short(text: str) -> bool:
    """Tell whether a text is too short for the index."""
    return 0 < len(text) < _SHORTEST


@dataclass(frozen=True, slots=True)
class Found:
    """What a search comes to: the condition, and whether it leaves only few rows in all.

    Many rows are best met while walking the list in its order. ``partial`` says that older rows
    than the ``NEWEST_READ`` were not looked at.
    """

    condition: ColumnElement[bool]
    few: bool
    partial: bool = False


async def find(session: AsyncSession, text: str, account_id: int) -> Found:
    """Look a text up, in any case of its letters, in what customers search of their payments.

    ``session`` reads for the account: PostgreSQL looks among that account's payments only. The
    answer is kept with the session, since a page and its count ask for the same.
    """
    kept: dict[str, Found] = session.info.setdefault("found", {})
    if text not in kept:
        holds_text = or_(*(col(column).icontains(text, autoescape=True) for column in SEARCHED))
        if is_short(text):
            own = col(Payment.account_id) == account_id
            kept[text] = await _among_newest(session, holds_text, own)
        else:
            holding = func.own_payments_holding(text, _FEW + 1)
            in_own = "{description reference} : "
            keys = indexed(text, in_own) if is_sqlite(session) else select(holding)
            kept[text] = await _found(session, keys, holds_text)
    return kept[text]


def holds(payment: Payment, text: str) -> bool:
    """Tell whether one payment in memory holds the text, in any case of its letters."""
    searched = (payment.description, payment.reference, payment.method_detail)
    return any(text.lower() in (one or "").lower() for one in searched)


async def find_any(
    session: AsyncSession, text: str, holds_text: ColumnElement[bool], owned: Sequence[Select[Any]]
) -> Found:
    """Look a text up for staff, in all payments; ``owned`` are the keys of those whose account or
    user it names. The answer is kept with the session, too."""
    kept: dict[str, Found] = session.info.setdefault("found_any", {})
    if text not in kept:
        if is_short(text):
            kept[text] = await _among_newest(session, holds_text)
        else:
            holding = func.payments_holding(text, _FEW + 1)
            keys = indexed(text) if is_sqlite(session) else select(holding)
            parts = [keys, *(one.limit(_FEW + 1) for one in owned)]
            either = union_all(*(select(part.subquery()) for part in parts))
            kept[text] = await _found(session, either, holds_text)
    return kept[text]


async def _found(session: AsyncSession, query: Query, holds_text: ColumnElement[bool]) -> Found:
    keys = set((await session.execute(query)).scalars())
    if len(keys) > _FEW:
        return Found(holds_text, few=False)
    return Found(col(Payment.id).in_(keys) if keys else false(), few=True)


async def _among_newest(
    session: AsyncSession, holds_text: ColumnElement[bool], *of: ColumnElement[bool]
) -> Found:
    newest = (
        select(col(Payment.id))
        .where(*of)
        .order_by(col(Payment.dated_at).desc(), col(Payment.id).desc())
        .limit(NEWEST_READ)
    )
    query = select(func.count()).select_from(newest.subquery())
    read = (await session.execute(query)).scalar_one()
    # Whether each holds it is found on the way: PostgreSQL might else look at all that do first.
    looked_at = newest.add_columns(holds_text.label("holds")).subquery()
    keys = select(looked_at.c.id).where(looked_at.c.holds).limit(_FEW + 1)
    found = await _found(session, keys, holds_text)
    return replace(found, partial=found.few and read == NEWEST_READ)


def indexed(text: str, texts: str = "") -> Select[Any]:
    """Return SQLite's query of the keys of payments that hold the text; ``texts`` narrows which."""
    phrase = '"' + text.replace('"', '""') + '"'
    in_texts = select(_TEXTS.c.rowid).where(_TEXTS.c.payment_search.match(f"{texts}{phrase}"))
    in_means = select(_MEANS.c.rowid).where(_MEANS.c.payment_search_means.match(phrase))
    both = union_all(in_texts, in_means).subquery()
    return select(both.c.rowid).limit(_FEW + 1)
