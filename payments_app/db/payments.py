"""Queries for lists of payments: filtered, sorted, paged by keyset, counted, summed, streamed."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, Protocol

from sqlalchemy import (
    ColumnElement,
    Select,
    case,
    func,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db import kept_totals, plain, search
from payments_app.db.kept_totals import KeptTotals, Total
from payments_app.db.keyset import Cursor, Sorting
from payments_app.db.lines import COLUMNS, Line, ReadLine
from payments_app.db.models import Payment, TimelineEntry
from payments_app.db.search import Found
from payments_app.domain.payment import PaymentStatus

_TEXTS_READ: Final = 4_000
"""Of how many newest payments the text is read to count those that hold it, where many do."""
_QUERIES_KEPT: Final = 256
"""Lists whose queries are kept ready: to put one together takes longer than to read its page."""


class Order(StrEnum):
    """How a list is sorted. Totals are compared within a currency, never across."""

    NEWEST = "newest"
    OLDEST = "oldest"
    HIGHEST = "highest"
    LOWEST = "lowest"


class Narrowing(Hashable, Protocol):
    """Which payments a list shows."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what must hold for each of its rows, but for their text."""

    async def find_text(self, session: AsyncSession) -> Found | None:
        """Return what its search for a text comes to, None when there is none."""

    def kept(self) -> KeptTotals | None:
        """Return which kept totals the list comes to, None where its payments have to be read."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which of one account's payments; each field that is set narrows the list.

    What a customer asks for is always of this type, so that it cannot lose its account; staff,
    who see all of them, have ``db.staff_payments.StaffFilter``.

    ``since`` is inclusive and ``until`` exclusive; ``gateway`` "" means rows of no gateway.
    """

    account_id: int
    search: str = ""
    since: datetime | None = None
    until: datetime | None = None
    status: PaymentStatus | None = None
    gateway: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what must hold for each of its rows, but for their text."""
        conditions = [col(Payment.account_id) == self.account_id]
        if self.since is not None:
            conditions.append(col(Payment.dated_at) >= self.since)
        if self.until is not None:
            conditions.append(col(Payment.dated_at) < self.until)
        if self.status is not None:
            conditions.append(col(Payment.status) == self.status)
        if self.gateway is not None:
            conditions.append(col(Payment.gateway) == (self.gateway or None))
        return conditions

    async def find_text(self, session: AsyncSession) -> Found | None:
        """Return what its search for a text comes to, None when there is none."""
        return await search.find(session, self.search, self.account_id) if self.search else None

    def kept(self) -> KeptTotals | None:
        """Return which kept totals the list comes to, None where its payments have to be read."""
        if self != Filter(self.account_id, status=self.status):
            return None
        return KeptTotals((self.account_id,), statuses=(self.status,) if self.status else ())

    def matches(self, payment: Payment) -> bool:
        """Tell of one row in memory what the conditions tell of it in the database."""
        return (
            payment.account_id == self.account_id
            and (not self.search or search.holds(payment, self.search))
            and (self.since is None or payment.dated_at >= self.since)
            and (self.until is None or payment.dated_at < self.until)
            and (self.status is None or payment.status is self.status)
            and (self.gateway is None or (payment.gateway or "") == self.gateway)
        )


@dataclass(frozen=True, slots=True)
class Count:
    """How many payments were counted, and whether there are, or may be, more.

    ``partial``: all of the newest payments were counted, and no older ones were looked at.
    """

    rows: int
    more: bool
    partial: bool = False


def cursor_of(payment: Line, order: Order) -> Cursor:
    """Return the cursor with which the page behind ``payment`` starts."""
    if order in (Order.NEWEST, Order.OLDEST):
        return (payment.dated_at, payment.key)
    return (payment.currency, payment.amount, payment.key)


async def page(
    session: AsyncSession, chosen: Narrowing, order: Order, after: Cursor | None, limit: int
) -> Sequence[Payment]:
    """Return up to ``limit`` payments behind the cursor."""
    query = await _page(session, (Payment,), chosen, order, limit, beyond=after is not None)
    edge = sorting(order).cursor(after or ())
    rows: Sequence[Payment] = (await session.execute(query, edge)).scalars().all()
    return rows


async def lines(
    session: AsyncSession, chosen: Narrowing, order: Order, after: Cursor | None, limit: int
) -> Sequence[ReadLine]:
    """Return what a list shows of them."""
    query = await _page(session, COLUMNS, chosen, order, limit, beyond=after is not None)
    edge = sorting(order).cursor(after or ())
    return await plain.rows(session, query, edge)


async def _page(
    session: AsyncSession,
    columns: tuple[Any, ...],
    chosen: Narrowing,
    order: Order,
    limit: int,
    *,
    beyond: bool,
) -> Select[Any]:
    if found := await chosen.find_text(session):
        rows = select(*columns).where(*chosen.conditions(), found.condition)
        return _page_of(rows, order, limit, beyond=beyond)
    return _plain_page(columns, chosen, order, limit, beyond=beyond)


@lru_cache(_QUERIES_KEPT)
def _plain_page(
    columns: tuple[Any, ...], chosen: Narrowing, order: Order, limit: int, *, beyond: bool
) -> Select[Any]:
    rows = select(*columns).where(*chosen.conditions())
    return _page_of(rows, order, limit, beyond=beyond)


def _page_of(rows: Select[Any], order: Order, limit: int, *, beyond: bool) -> Select[Any]:
    keys = sorting(order)
    query = keys.sort(rows).limit(limit)
    return query.where(keys.beyond()) if beyond else query


async def count(session: AsyncSession, chosen: Narrowing, limit: int) -> Count:
    """Count payments, but no further than ``limit``, so that it takes as long for a million.

    A text that many payments hold is counted among the newest ones only.
    """
    found = await chosen.find_text(session)
    if found and not found.few:
        rows = select(Payment).where(*chosen.conditions())
        return await _count_newest(session, rows, found.condition, min(limit, _TEXTS_READ))
    if found:
        query = _count_of(found.condition, *chosen.conditions(), limit=limit)
    else:
        query = _plain_count(chosen, limit)
    [[counted]] = await plain.rows(session, query)
    partial = found is not None and found.partial
    return Count(min(counted, limit), more=counted > limit, partial=partial)


@lru_cache(_QUERIES_KEPT)
def _plain_count(chosen: Narrowing, limit: int) -> Select[Any]:
    return _count_of(*chosen.conditions(), limit=limit)


def _count_of(*conditions: ColumnElement[bool], limit: int) -> Select[Any]:
    rows: Select[Any] = (
        select(literal_column("1")).select_from(Payment).where(*conditions).limit(limit + 1)
    )
    return select(func.count()).select_from(rows.subquery())


async def _count_newest(
    session: AsyncSession, rows: Select[Any], condition: ColumnElement[bool], limit: int
) -> Count:
    # One walk along the index: with a condition on a list of keys PostgreSQL may begin anywhere.
    holds = case((condition, 1), else_=0).label("holds")
    newest = sorting(Order.NEWEST).sort(rows).limit(limit).with_only_columns(holds).subquery()
    query = select(func.count(), func.coalesce(func.sum(newest.c.holds), 0))
    read, hits = (await session.execute(query)).one()
    return Count(hits, more=read == limit)


async def totals(session: AsyncSession, chosen: Narrowing) -> list[Total]:
    """Return the rows and sums per currency, in the order of the codes."""
    if kept := chosen.kept():
        return await kept_totals.read(session, kept)
    return await _added_up(session, chosen)


async def _added_up(session: AsyncSession, chosen: Narrowing) -> list[Total]:
    """Return the same of any list, whose payments are all read for it."""
    completed = case((col(Payment.status) == PaymentStatus.COMPLETED, col(Payment.amount)), else_=0)
    query = (
        select(col(Payment.currency), func.count(), func.sum(completed))
        .where(*await _conditions(session, chosen))
        .group_by(col(Payment.currency))
        .order_by(col(Payment.currency))
    )
    return [Total(code, rows, int(sum_)) for code, rows, sum_ in await session.execute(query)]


async def last_gateway(
    session: AsyncSession, account_id: int, gateways: Iterable[str]
) -> str | None:
    """Return which of these gateways the account's newest completed payment came through.

    One look into the index for each, however many payments there are.
    """
    newest = [
        select(col(Payment.gateway), col(Payment.dated_at), col(Payment.id))
        .where(
            col(Payment.account_id) == account_id,
            col(Payment.gateway) == gateway,
            col(Payment.status) == PaymentStatus.COMPLETED,
        )
        .order_by(col(Payment.dated_at).desc(), col(Payment.id).desc())
        .limit(1)
        .subquery()
        for gateway in gateways
    ]
    if not newest:
        return None
    each = union_all(*(select(one) for one in newest)).subquery()
    query = select(each.c.gateway).order_by(each.c.dated_at.desc(), each.c.id.desc()).limit(1)
    return (await session.execute(query)).scalar_one_or_none()


async def find(session: AsyncSession, account_id: int, reference: str) -> Payment | None:
    """Find one of the account's payments; another account's is not found."""
    query = select(Payment).where(
        col(Payment.account_id) == account_id, col(Payment.reference) == reference
    )
    return (await session.execute(query)).scalar_one_or_none()


async def relatives(session: AsyncSession, payment: Payment) -> Sequence[Payment]:
    """Return the payment that this one takes back, and those that take this one back."""
    query = (
        select(Payment)
        .where(
            col(Payment.account_id) == payment.account_id,
            or_(col(Payment.id) == payment.parent_id, col(Payment.parent_id) == payment.key),
        )
        .order_by(col(Payment.id))
    )
    return (await session.execute(query)).scalars().all()


async def timeline(session: AsyncSession, payment_id: int) -> Sequence[TimelineEntry]:
    """Return what happened to a payment, in that order."""
    query = (
        select(TimelineEntry)
        .where(col(TimelineEntry.payment_id) == payment_id)
        .order_by(col(TimelineEntry.at), col(TimelineEntry.id))
    )
    return (await session.execute(query)).scalars().all()


async def matching(session: AsyncSession, chosen: Narrowing) -> Select[Any]:
    """Return the query of the payments that a filter leaves."""
    return select(Payment).where(*await _conditions(session, chosen))


async def span(session: AsyncSession, chosen: Filter) -> tuple[datetime, datetime] | None:
    """Return the dates between which all payments of the account lie, None without any."""
    date = col(Payment.dated_at)
    # Apart, each is one look into the index; SQLite would read all of it for both at once.
    ends = (
        select(end(date)).where(col(Payment.account_id) == chosen.account_id).scalar_subquery()
        for end in (func.min, func.max)
    )
    row: Any = (await session.execute(select(*ends))).one()
    first, last = row
    return None if first is None else (first, last)


async def _conditions(session: AsyncSession, chosen: Narrowing) -> list[ColumnElement[bool]]:
    found = await chosen.find_text(session)
    return [*chosen.conditions(), *([found.condition] if found else [])]


def sorting(order: Order) -> Sorting:
    """Return the columns that an order sorts by, unique together."""
    descends = order in (Order.NEWEST, Order.HIGHEST)
    if order in (Order.NEWEST, Order.OLDEST):
        return Sorting((col(Payment.dated_at), col(Payment.id)), descends)
    return Sorting((col(Payment.currency), col(Payment.amount), col(Payment.id)), descends)
