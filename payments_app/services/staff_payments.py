"""What staff see of all customers' payments: the list, its totals, and what changed in it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlmodel import col

from payments_app.db import payments, staff_payments
from payments_app.db.kept_totals import Total
from payments_app.db.keyset import Cursor
from payments_app.db.models import Account, Balance, Payment
from payments_app.db.payments import Count
from payments_app.db.staff_payments import Entry, StaffFilter
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind, PaymentStatus, Role
from payments_app.services import formatting, reports, wording
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.list_pages import PAGE_SIZE
from payments_app.services.review import approvable
from payments_app.services.staff_view import StaffView
from payments_app.services.unmasked import unmasked

_MOST_ACCOUNTS: Final = 200


@dataclass(frozen=True, slots=True)
class StaffRow:
    """One line of the staff's list.

    ``at`` is the date that the list sorts by and ``since`` when a Pending one was created (else
    0), both in seconds since 1970: the browser sorts and counts the age with them. ``deeds`` is
    what its menu offers, between spaces.
    """

    id: int
    reference: str
    account: str
    date: str
    description: str
    note: str
    method: str
    status: str
    label: str
    total: str
    fee: str
    at: int
    since: int
    deeds: str


@dataclass(frozen=True, slots=True)
class Figure:
    """What a list holds in one currency: payments in all, and the sum of the Completed ones."""

    currency: str
    rows: str
    completed: str


@dataclass(frozen=True, slots=True)
class Sums:
    """What a list holds in each currency, and how many payments in all."""

    figures: tuple[Figure, ...]
    found: Count


@dataclass(frozen=True, slots=True)
class StaffPage:
    """One page of the list. ``older`` is where the next one starts, None behind the last; ``sums``
    are None where all payments would have to be read for them."""

    rows: tuple[StaffRow, ...]
    older: Cursor | None
    sums: Sums | None


@dataclass(frozen=True, slots=True)
class Option:
    """One value that a filter may take, with its name."""

    value: str
    label: str


async def list_page(
    portal: Portal, who: Identity, view: StaffView, after: Cursor | None
) -> StaffPage:
    """Return a page of all customers' payments; raises NotAllowed for customers."""
    who.require(Role.VIEWER)
    chosen = view.filter(who)
    async with portal.db.read() as session:
        found = await staff_payments.page(session, chosen, view.order, after, PAGE_SIZE + 1)
        shown, more = found[:PAGE_SIZE], len(found) > PAGE_SIZE
        totals = None
        if after is None and not more:
            totals = _totals_of([entry.payment for entry in shown])
        elif chosen.kept():
            totals = await payments.totals(session, chosen)
    return StaffPage(
        rows=tuple(row_of(portal, entry, who.locale, who.time_zone) for entry in shown),
        older=payments.cursor_of(shown[-1].payment, view.order) if more else None,
        sums=None if totals is None else _sums(who, totals),
    )


async def sums(portal: Portal, who: Identity, chosen: StaffFilter) -> Sums:
    """Return what the list holds, for which all its payments may be read; raises NotAllowed for
    customers."""
    who.require(Role.VIEWER)
    async with portal.db.read() as session:
        text = await chosen.find_text(session)
        totals = await payments.totals(session, chosen)
    return _sums(who, totals, partial=text is not None and text.partial)


def _totals_of(rows: Sequence[Payment]) -> list[Total]:
    counts, sums = Counter(row.currency for row in rows), Counter[str]()
    for row in rows:
        sums[row.currency] += row.amount if row.status is PaymentStatus.COMPLETED else 0
    return [Total(code, counts[code], sums[code]) for code in sorted(counts)]


def _sums(who: Identity, totals: Sequence[Total], *, partial: bool = False) -> Sums:
    figures = tuple(
        Figure(
            total.currency,
            formatting.count(total.rows, who.locale),
            formatting.money(Money(total.completed, total.currency), who.locale),
        )
        for total in totals
    )
    return Sums(figures, Count(sum(total.rows for total in totals), more=False, partial=partial))


async def account_options(
    portal: Portal, who: Identity, search: str, chosen: Iterable[int]
) -> tuple[Option, ...]:
    """Return accounts to filter by: those chosen, and those whose name holds the text."""
    who.require(Role.VIEWER)
    named = select(col(Account.id), col(Account.name)).order_by(col(Account.name))
    if search:
        named = named.where(col(Account.name).icontains(search, autoescape=True))
    async with portal.db.read() as session:
        kept = await staff_payments.account_names(session, chosen)
        rows = (await session.execute(named.limit(_MOST_ACCOUNTS))).all()
    names = kept | {row[0]: row[1] for row in rows}
    return tuple(Option(str(number), unmasked(name)) for number, name in names.items())


async def currency_options(portal: Portal, who: Identity) -> tuple[str, ...]:
    """Return the currencies that accounts hold money in; raises NotAllowed for customers."""
    who.require(Role.VIEWER)
    query = select(col(Balance.currency)).distinct().order_by(col(Balance.currency))
    async with portal.db.read() as session:
        return tuple((await session.execute(query)).scalars())


def row_of(portal: Portal, entry: Entry, locale: str, zone: str) -> StaffRow:
    """Write one payment as a line of the list."""
    payment = entry.payment
    pending = payment.status is PaymentStatus.PENDING
    return StaffRow(
        id=payment.key,
        reference=payment.reference,
        account=unmasked(entry.account),
        date=formatting.day_and_time(payment.dated_at, locale, zone),
        description=wording.description(unmasked(payment.description), payment.kind),
        note=unmasked(payment.private_note),
        method=reports.method_text(portal, payment.gateway, payment.channel, payment.method_detail),
        status=payment.status.value,
        label=wording.STATUSES[payment.status],
        total=formatting.money(Money(payment.amount, payment.currency), locale),
        fee=formatting.money(Money(payment.fee, payment.currency), locale) if payment.fee else "",
        at=int(payment.dated_at.timestamp()),
        since=int(payment.created_at.timestamp()) if pending else 0,
        deeds=" ".join(_deeds(portal, payment)),
    )


def _deeds(portal: Portal, payment: Payment) -> Iterable[str]:
    at_gateway = payment.kind is PaymentKind.TOP_UP and payment.gateway is not None
    pending = payment.status is PaymentStatus.PENDING
    if approvable(payment, portal.clock()):
        yield "approve"
    if pending:
        yield "cancel"
    if at_gateway and payment.status is PaymentStatus.COMPLETED:
        yield "refund"
    if at_gateway and pending:
        yield "ask"
