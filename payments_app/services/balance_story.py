"""Why a balance is what it is: where a period began, what moved it, by kind and over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from payments_app.db import statements
from payments_app.domain.languages import later
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind
from payments_app.services import formatting, wording
from payments_app.services.context import Portal
from payments_app.services.identity import Identity

DAYS: Final = "30days"
MONTHS: Final = "12months"
PERIODS: Final = {DAYS: later("Last 30 days"), MONTHS: later("Last 12 months")}
"""Codes and labels of what a story can be told over: by day, by month."""

NEWEST: Final = 20
"""How many of the payments behind a balance are shown with it."""

_DAYS: Final = 30
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class KindLine:
    """What one kind of payments moved, as text to show."""

    label: str
    rows: str
    amount: str


@dataclass(frozen=True, slots=True)
class Move:
    """One payment that moved the balance, as text to show, and what opens it."""

    reference: str
    label: str
    day: str
    amount: str


@dataclass(frozen=True, slots=True)
class Point:
    """One day or month: what came in and went out (both positive) and the balance at its end."""

    label: str
    came_in: int
    went_out: int
    balance: int
    texts: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Story:
    """Opening plus all lines is the closing, which is the balance; ``points`` are in order.

    ``moves`` are the newest of the payments behind it, newest first.
    """

    currency: str
    opening: str
    lines: tuple[KindLine, ...]
    closing: str
    points: tuple[Point, ...]
    moves: tuple[Move, ...]


async def story(portal: Portal, who: Identity, currency: str, period: str) -> Story:
    """Return the story of the customer's balance in one currency up to now.

    One look at the period's rows for the kinds and one for the days; what was before is the kept
    balance less these. Raises UnknownCurrency.
    """
    zone = formatting.zone_of(who.time_zone)
    today = portal.clock().astimezone(zone).date()
    days = _last_months(today) if period == MONTHS else _last_days(today)
    edges = [_midnight(day, zone) for day in (*days, today + timedelta(days=1))]
    account_id = who.own_account()
    async with portal.read_as(who, snapshot=True) as session:
        kept = (await statements.balances_at(session, account_id, None)).get(currency, 0)
        kinds = await statements.sums_by_kind(session, account_id, currency, edges[0])
        moved = await statements.sums_between(session, account_id, currency, edges)
        newest = await statements.newest_counted(session, account_id, currency, edges[0], NEWEST)

    def money(minor: int) -> str:
        return formatting.money(Money(minor, currency), who.locale)

    opening = kept - sum(amount for _, _, amount in kinds)
    return Story(
        currency=formatting.currency_name(currency, who.locale),
        opening=money(opening),
        lines=tuple(
            KindLine(wording.KIND_SUMS[kind], formatting.count(rows, who.locale), money(amount))
            for kind, rows, amount in sorted(
                kinds, key=lambda line: list(PaymentKind).index(line[0])
            )
        ),
        closing=money(kept),
        points=_points(who, days, period, opening, moved, currency),
        moves=tuple(
            Move(
                payment.reference,
                payment.description,
                formatting.date_text(payment.dated_at.astimezone(zone).date(), who.locale),
                money(payment.amount),
            )
            for payment in newest
        ),
    )


def _points(
    who: Identity,
    days: Sequence[date],
    period: str,
    opening: int,
    moved: Sequence[tuple[int, int]],
    currency: str,
) -> tuple[Point, ...]:
    balance = opening
    points = []
    for day, (came_in, went_out) in zip(days, moved, strict=True):
        balance += came_in - went_out
        name = formatting.month_text if period == MONTHS else formatting.date_text
        amounts = (came_in, went_out, balance)
        in_text, out_text, balance_text = (
            formatting.money(Money(minor, currency), who.locale) for minor in amounts
        )
        texts = (in_text, out_text, balance_text)
        points.append(Point(name(day, who.locale), came_in, went_out, balance, texts))
    return tuple(points)


def _last_days(today: date) -> list[date]:
    return [today - timedelta(days=back) for back in reversed(range(_DAYS))]


def _last_months(today: date) -> list[date]:
    """Return the first day of each of the last months, this one last."""
    count = today.year * 12 + today.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(count - _MONTHS + 1, count + 1)]


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)
