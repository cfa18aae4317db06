"""Statements of account: per currency the opening balance, a period's rows and the closing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from payments_app.db import statements
from payments_app.db.models import Account, Payment, User
from payments_app.domain.errors import NotFound, PortalError
from payments_app.domain.money import Money
from payments_app.domain.payment import Role
from payments_app.services import formatting, mail
from payments_app.services.catalogues import say
from payments_app.services.context import Portal
from payments_app.services.identity import Identity

MOST_ROWS: Final = 2000
"""What one document holds; longer lists are for the CSV export, which streams."""

_EARLIEST: Final = date(1900, 1, 1)
_LATEST: Final = date(2999, 12, 31)
_drawing: Final = asyncio.Semaphore(2)
"""Documents that may be drawn at once: each takes a thread for up to some seconds."""


class TooLong(PortalError):
    """A period with more rows than one document holds."""


class Period(BaseModel):
    """Days in the reader's zone, both inclusive; an open start is the account's own."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    since: date | None = Field(default=None, ge=_EARLIEST, le=_LATEST)
    until: date | None = Field(default=None, ge=_EARLIEST, le=_LATEST)


@dataclass(frozen=True, slots=True)
class Line:
    """One Completed row with the balance after it, in minor units."""

    payment: Payment
    balance: int


@dataclass(frozen=True, slots=True)
class Section:
    """One currency of a statement, in minor units: opening plus all rows is closing."""

    currency: str
    opening: int
    lines: tuple[Line, ...]
    closing: int


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """One currency of a statement, as text to show."""

    currency: str
    opening: str
    rows: str
    closing: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of one account; ``until`` is the last day."""

    account: Account
    since: date | None
    until: date
    sections: tuple[Section, ...]


async def read(
    portal: Portal, who: Identity, period: Period, account_id: int | None = None
) -> Statement:
    """Return the statement of the own account or, to staff, of ``account_id``.

    Raises NotFound, and TooLong beyond ``MOST_ROWS``.
    """
    if who.is_staff:
        who.require(Role.VIEWER)
    else:
        account_id = who.own_account()
    zone = formatting.zone_of(who.time_zone)
    until = period.until or portal.clock().astimezone(zone).date()
    start = datetime.combine(period.since, time(), zone) if period.since else None
    end = datetime.combine(until + timedelta(days=1), time(), zone)
    async with portal.read_as(who, snapshot=True) as session:
        account = await session.get(Account, account_id or 0)
        if account is None:
            raise NotFound(f"account {account_id}")
        opening = await statements.balances_at(session, account.key, start) if start else {}
        rows = await statements.completed(session, account.key, start, end, MOST_ROWS + 1)
    if len(rows) > MOST_ROWS:
        raise TooLong(f"more than {MOST_ROWS} rows")
    return Statement(account, period.since, until, _sections(account, opening, rows))


def _sections(
    account: Account, opening: dict[str, int], rows: Sequence[Payment]
) -> tuple[Section, ...]:
    """Sort the rows by currency, the home currency first."""
    used = {row.currency for row in rows} | {code for code, amount in opening.items() if amount}
    ordered = sorted(used, key=lambda code: (code != account.home_currency, code))
    return tuple(
        _section(code, opening.get(code, 0), [row for row in rows if row.currency == code])
        for code in ordered or [account.home_currency]
    )


def _section(currency: str, opening: int, rows: Sequence[Payment]) -> Section:
    balance = opening
    lines = []
    for row in rows:
        balance += row.amount
        lines.append(Line(row, balance))
    return Section(currency, opening, tuple(lines), balance)


async def summary(portal: Portal, who: Identity, period: Period) -> tuple[SummaryLine, ...]:
    """Return what the customer's own statement would hold; raises TooLong."""
    found = await read(portal, who, period)
    return tuple(
        SummaryLine(
            currency=formatting.currency_name(section.currency, who.locale),
            opening=formatting.money(Money(section.opening, section.currency), who.locale),
            rows=formatting.count(len(section.lines), who.locale),
            closing=formatting.money(Money(section.closing, section.currency), who.locale),
        )
        for section in found.sections
    )


async def send(portal: Portal, who: Identity, period: Period) -> None:
    """Send the customer's own statement to the own address; it is made when it is sent."""
    who.require_acting()
    async with portal.db.write() as session:
        user = await session.get_one(User, who.user_id)
        await mail.statement(session, portal.clock(), user, period.model_dump(mode="json"))


async def statement_pdf(
    portal: Portal, who: Identity, period: Period, account_id: int | None = None
) -> bytes:
    """Return the statement as PDF; raises what ``read`` raises."""
    statement = await read(portal, who, period, account_id)
    async with _drawing:
        return await asyncio.to_thread(_draw, portal, who, statement)


def period_text(who: Identity, since: date | None, until: date) -> str:
    """Write a period of days."""
    last = formatting.date_text(until, who.locale)
    if since is None:
        return say("From the start to {until}", until=last)
    return say("{since} to {until}", since=formatting.date_text(since, who.locale), until=last)


def _draw(portal: Portal, who: Identity, statement: Statement) -> bytes:
    # Fonts load slowly: not at the portal's start.
    from payments_app.services.statement_paper import draw

    return draw(portal, who, statement)
