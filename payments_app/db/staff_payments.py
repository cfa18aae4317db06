"""Queries over the payments of all accounts, for staff alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db import search
from payments_app.db.kept_totals import KeptTotals
from payments_app.db.keyset import Cursor
from payments_app.db.models import Account, Payment, TimelineEntry, User
from payments_app.db.payments import Order
from payments_app.db.payments import page as page_of
from payments_app.db.search import Found
from payments_app.domain.money import EXPONENTS, exponent
from payments_app.domain.payment import PaymentStatus

_ODD_CURRENCIES: Final = {
    decimals: tuple(code for code, places in EXPONENTS.items() if places == decimals)
    for decimals in (0, 3)
}
_SEARCHED: Final = (
    "reference",
    "description",
    "private_note",
    "method_detail",
    "gateway_reference",
)


class Entry(NamedTuple):
    """A payment with what staff see beside it. ``last_entry`` numbers its timeline's end."""

    payment: Payment
    account: str
    email: str
    last_entry: int = 0


@dataclass(frozen=True, slots=True)
class StaffFilter:
    """Which payments of all accounts; each field that is set narrows the list.

    Fields of several values hold for any of them; gateway "" means rows of no gateway. ``since``
    is inclusive and ``until`` exclusive; ``least`` and ``most`` are signed thousandths of a
    currency's main unit, so that one range serves all currencies exactly.
    """

    search: str = ""
    since: datetime | None = None
    until: datetime | None = None
    statuses: tuple[PaymentStatus, ...] = ()
    gateways: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    accounts: tuple[int, ...] = ()
    least: int | None = None
    most: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what must hold for each of its rows, but for their text."""
        found: list[ColumnElement[bool]] = []
        if self.since is not None:
            found.append(col(Payment.dated_at) >= self.since)
        if self.until is not None:
            found.append(col(Payment.dated_at) < self.until)
        if self.statuses:
            found.append(col(Payment.status).in_(self.statuses))
        if self.gateways:
            found.append(func.coalesce(col(Payment.gateway), "").in_(self.gateways))
        if self.currencies:
            found.append(col(Payment.currency).in_(self.currencies))
        if self.accounts:
            found.append(col(Payment.account_id).in_(self.accounts))
        if self.least is not None:
            found.append(_thousandths() >= self.least)
        if self.most is not None:
            found.append(_thousandths() <= self.most)
        return found

    async def find_text(self, session: AsyncSession) -> Found | None:
        """Return what its search for a text comes to, None when there is none."""
        if not self.search:
            return None
        texts = (col(getattr(Payment, name)) for name in _SEARCHED)
        of_owners = named(self.search)
        holds = or_(*(one.icontains(self.search, autoescape=True) for one in texts), *of_owners)
        # Apart, each is read off its index; PostgreSQL would read all payments for both at once.
        owned = [select(col(Payment.id)).where(of_owner) for of_owner in of_owners]
        return await search.find_any(session, self.search, holds, owned)

    def kept(self) -> KeptTotals | None:
        """Return which kept totals the list comes to, None where its payments have to be read."""
        if self != StaffFilter(
            statuses=self.statuses, currencies=self.currencies, accounts=self.accounts
        ):
            return None
        return KeptTotals(self.accounts, self.currencies, self.statuses)

    def matches(self, entry: Entry) -> bool:
        """Tell of one row in memory what the conditions tell of it in the database."""
        payment = entry.payment
        size = payment.amount * 10 ** (3 - exponent(payment.currency))
        texts = (
            *(getattr(payment, name) for name in _SEARCHED),
            entry.account,
            entry.email,
        )
        return (
            (not self.search or any(self.search.lower() in (text or "").lower() for text in texts))
            and (self.since is None or payment.dated_at >= self.since)
            and (self.until is None or payment.dated_at < self.until)
            and (not self.statuses or payment.status in self.statuses)
            and (not self.gateways or (payment.gateway or "") in self.gateways)
            and (not self.currencies or payment.currency in self.currencies)
            and (not self.accounts or payment.account_id in self.accounts)
            and (self.least is None or size >= self.least)
            and (self.most is None or size <= self.most)
        )


def named(text: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions of payments whose account's name, or user's e-mail, holds the text."""
    accounts = select(col(Account.id)).where(col(Account.name).icontains(text, autoescape=True))
    users = select(col(User.id)).where(col(User.email).icontains(text, autoescape=True))
    return col(Payment.account_id).in_(accounts), col(Payment.user_id).in_(users)


def _thousandths() -> ColumnElement[int]:
    amount, currency = col(Payment.amount), col(Payment.currency)
    return case(
        (currency.in_(_ODD_CURRENCIES[0]), amount * 1000),
        (currency.in_(_ODD_CURRENCIES[3]), amount),
        else_=amount * 10,
    )


async def page(
    session: AsyncSession, chosen: StaffFilter, order: Order, after: Cursor | None, limit: int
) -> list[Entry]:
    """Return up to ``limit`` payments behind the cursor, with their accounts."""
    rows = await page_of(session, chosen, order, after, limit)
    names = await account_names(session, {row.account_id for row in rows})
    return [Entry(row, names[row.account_id], "") for row in rows]


async def span(session: AsyncSession) -> tuple[datetime, datetime] | None:
    """Return the dates between which all payments lie, None without any."""
    date = col(Payment.dated_at)
    first = (await session.execute(select(func.min(date)))).scalar_one()
    last = (await session.execute(select(func.max(date)))).scalar_one()
    return None if first is None else (first, last)


async def account_names(session: AsyncSession, ids: Iterable[int]) -> dict[int, str]:
    """Return the accounts' names."""
    query = select(col(Account.id), col(Account.name)).where(col(Account.id).in_(ids))
    return {row.id: row.name for row in await session.execute(query)}


async def changed(session: AsyncSession, payment_ids: Iterable[int]) -> list[Entry]:
    """Return payments by number, all in one statement."""
    last_entry = (
        select(func.max(col(TimelineEntry.id)))
        .where(col(TimelineEntry.payment_id) == col(Payment.id))
        .correlate(Payment)
        .scalar_subquery()
    )
    query: Select[Any] = (
        select(Payment, col(Account.name), col(User.email), last_entry)
        .join(Account, col(Payment.account_id) == col(Account.id))
        .outerjoin(User, col(Payment.user_id) == col(User.id))
        .where(col(Payment.id).in_(payment_ids))
    )
    rows = await session.execute(query)
    return [Entry(payment, name, email or "", last or 0) for payment, name, email, last in rows]


async def entries_after(session: AsyncSession, last: int) -> Sequence[tuple[int, int, int]]:
    """Return what happened after a timeline entry: entry, payment and account, by number."""
    query: Any = (
        select(col(TimelineEntry.id), col(Payment.id), col(Payment.account_id))
        .join(Payment, col(TimelineEntry.payment_id) == col(Payment.id))
        .where(col(TimelineEntry.id) > last)
        .order_by(col(TimelineEntry.id))
    )
    return [(entry, payment, account) for entry, payment, account in await session.execute(query)]


async def newest_entry(session: AsyncSession) -> int:
    """Return the number of the newest timeline entry, 0 when there is none."""
    return (await session.execute(select(func.max(col(TimelineEntry.id))))).scalar_one() or 0
