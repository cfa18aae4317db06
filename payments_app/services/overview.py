"""How the day goes, for staff: received per day, success by gateway, what is Pending and how old.

Days are UTC and kept per worker once counted: a day that is over changes only when one of its
payments does, so after a change only that day is counted again, in one stretch of an index. A
million rows cost no more than the day's few thousand.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from payments_app.db import days
from payments_app.db.days import DayFigure
from payments_app.db.models import Payment
from payments_app.domain.languages import later
from payments_app.domain.money import Money
from payments_app.domain.payment import Role
from payments_app.services import formatting
from payments_app.services.catalogues import say
from payments_app.services.context import Portal
from payments_app.services.identity import Identity

SHOWN_DAYS: Final = 14
_AGES: Final = (
    (timedelta(hours=1), later("Under 1 hour")),
    (timedelta(days=1), later("1 hour to 1 day")),
    (timedelta(days=7), later("1 to 7 days")),
)
_OLDEST: Final = later("Over 7 days")


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a bar: its share of the longest bar in per mille, its color's number."""

    name: str
    text: str
    share: int
    color: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart, and one line of its table."""

    label: str
    text: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Today:
    """Today's figures in one currency."""

    currency: str
    received: str
    note: str


@dataclass(frozen=True, slots=True)
class Received:
    """What came in per day in one currency, with the gateways that it came through; ``most`` is
    what the longest bar stands for."""

    currency: str
    bars: tuple[Bar, ...]
    legend: tuple[Part, ...]
    most: str
    first_day: str
    last_day: str


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that the page shows."""

    today: tuple[Today, ...]
    received: tuple[Received, ...]
    success: tuple[Bar, ...]
    pending: tuple[Bar, ...]


class Days:
    """The days that this worker has counted."""

    def __init__(self) -> None:
        self._counted: dict[date, list[DayFigure]] = {}

    def clear(self) -> None:
        """Count every day anew: nobody here may have heard of the changes since."""
        self._counted.clear()

    def forget(self, payments: Iterable[Payment]) -> None:
        """Count anew the days that changed payments are on, and those they were on before."""
        for payment in payments:
            for at in (payment.created_at, payment.dated_at):
                self._counted.pop(at.astimezone(UTC).date(), None)

    async def read(self, portal: Portal, wanted: list[date]) -> dict[date, list[DayFigure]]:
        """Return the days' figures, counting those that are not known."""
        missing = [day for day in wanted if day not in self._counted]
        if missing:
            async with portal.db.read() as session:
                for day in missing:
                    self._counted[day] = await days.figures_of(session, day)
        for day in [day for day in self._counted if day not in wanted]:
            del self._counted[day]
        return {day: self._counted[day] for day in wanted}


async def overview(portal: Portal, who: Identity, counted: Days) -> Overview:
    """Return the figures and charts; raises NotAllowed for customers."""
    who.require(Role.VIEWER)
    now = portal.clock().astimezone(UTC)
    wanted = [now.date() - timedelta(days=back) for back in range(SHOWN_DAYS - 1, -1, -1)]
    figures = await counted.read(portal, wanted)
    colors = {code: number for number, code in enumerate(portal.gateways)}
    return Overview(
        today=_today(who, figures[wanted[-1]]),
        received=_received(portal, who, figures, colors),
        success=_success(portal, who, figures, colors),
        pending=await _pending(portal, who, now),
    )


def _today(who: Identity, figures: list[DayFigure]) -> tuple[Today, ...]:
    received: Counter[str] = Counter()
    done: Counter[str] = Counter()
    for figure in figures:
        received[figure.currency] += figure.received
        done[figure.currency] += figure.completed
    return tuple(
        Today(
            code,
            formatting.money(Money(received[code], code), who.locale),
            say("{count} completed today", count=formatting.count(done[code], who.locale)),
        )
        for code in sorted(received)
    )


def _received(
    portal: Portal, who: Identity, figures: dict[date, list[DayFigure]], colors: dict[str, int]
) -> tuple[Received, ...]:
    by_currency: dict[str, dict[date, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for day, lines in figures.items():
        for line in lines:
            if line.received:
                by_currency[line.currency][day][line.gateway] += line.received
    return tuple(
        _chart(portal, who, code, list(figures), by_day, colors)
        for code, by_day in sorted(by_currency.items())
    )


def _chart(
    portal: Portal,
    who: Identity,
    currency: str,
    shown: list[date],
    by_day: dict[date, Counter[str]],
    colors: dict[str, int],
) -> Received:
    longest = max((by_day[day].total() for day in shown), default=0) or 1

    def part(code: str, minor: int) -> Part:
        text = formatting.money(Money(minor, currency), who.locale)
        return Part(_label(portal, code), text, minor * 1000 // longest, colors.get(code, 0))

    bars = []
    for day in shown:
        total = Money(by_day[day].total(), currency)
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        bars.append(
            Bar(
                formatting.day(at, who.locale, "UTC"),
                formatting.money(total, who.locale),
                tuple(part(code, minor) for code, minor in sorted(by_day[day].items())),
            )
        )
    used = sorted({code for counts in by_day.values() for code in counts})
    return Received(
        currency,
        tuple(bars),
        legend=tuple(part(code, 0) for code in used),
        most=formatting.money(Money(longest, currency), who.locale),
        first_day=bars[0].label,
        last_day=bars[-1].label,
    )


def _success(
    portal: Portal, who: Identity, figures: dict[date, list[DayFigure]], colors: dict[str, int]
) -> tuple[Bar, ...]:
    done: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    for lines in figures.values():
        for line in lines:
            done[line.gateway] += line.completed
            ended[line.gateway] += line.completed + line.cancelled
    bars = []
    for code in portal.gateways:
        if ended[code]:
            share = done[code] * 1000 // ended[code]
            counts = [formatting.count(count, who.locale) for count in (done[code], ended[code])]
            text = say(
                "{share}% ({done} of {all})",
                share=share // 10,
                done=counts[0],
                all=counts[1],
            )
            name = _label(portal, code)
            bars.append(Bar(name, text, (Part(name, text, share, colors[code]),)))
    return tuple(bars)


async def _pending(portal: Portal, who: Identity, now: datetime) -> tuple[Bar, ...]:
    edges = [now - age for age, _ in _AGES]
    async with portal.db.read() as session:
        found = await days.pending_since(session, edges)
    rows: Counter[int] = Counter()
    sums: dict[int, list[str]] = defaultdict(list)
    for age, currency, count, amount in found:
        rows[age] += count
        sums[age].append(formatting.money(Money(amount, currency), who.locale))
    longest = max(rows.values(), default=0) or 1
    bars = []
    for age, label in enumerate([*(say(label) for _, label in _AGES), say(_OLDEST)]):
        text = " · ".join([formatting.count(rows[age], who.locale), *sums[age]])
        bars.append(Bar(label, text, (Part(label, text, rows[age] * 1000 // longest, 0),)))
    return tuple(bars)


def _label(portal: Portal, code: str) -> str:
    return portal.gateways[code].label if code in portal.gateways else code
