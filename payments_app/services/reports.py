"""What customers see of their payments: the list, one payment, balances. All as text to show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.db import balances, payments
from payments_app.db.balances import Standing
from payments_app.db.keyset import Cursor
from payments_app.db.lines import Line
from payments_app.db.models import Payment, TimelineEntry
from payments_app.db.payments import Count, Filter
from payments_app.domain.errors import NotFound
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind, PaymentStatus
from payments_app.services import formatting, wording
from payments_app.services.catalogues import say
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.list_pages import MOST_COUNTED, PAGE_SIZE
from payments_app.services.unmasked import unmasked
from payments_app.services.view import View

_KIND_ICONS: Final[dict[PaymentKind, str]] = {
    PaymentKind.TOP_UP: "plus",
    PaymentKind.CHARGE: "shopping-bag",
    PaymentKind.REFUND: "undo-2",
    PaymentKind.CHARGEBACK: "triangle-alert",
    PaymentKind.ADJUSTMENT: "sliders-horizontal",
}
KIND_ICONS: Final = frozenset(_KIND_ICONS.values())
"""Lucide names of the icons of rows that no gateway stands for."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list. ``note`` is the grey line beneath the description, ``balance`` what a
    Completed payment left; ``at`` is the date that the list sorts by, in seconds since 1970."""

    id: int
    reference: str
    date: str
    date_note: str
    total: str
    status: str
    status_label: str
    description: str
    note: str
    method: str
    icon: str
    at: int
    balance: str = ""


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """The balance in one currency; ``pending`` is empty when nothing is."""

    name: str
    amount: str
    pending: str
    currency: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of the list, and the balances of the account, its home currency first. ``older`` is
    where the next page starts, None behind the last."""

    rows: tuple[Row, ...]
    found: Count
    older: Cursor | None
    balances: tuple[BalanceLine, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a payment's timeline."""

    at: str
    text: str


@dataclass(frozen=True, slots=True)
class Linked:
    """A refund or the like, or what it takes back."""

    reference: str
    text: str


@dataclass(frozen=True, slots=True)
class Detail:
    """One payment in full. ``charged`` is set where the gateway took another amount than what the
    account gets; ``next_step`` is what can be done about a decline. ``checked_at`` and
    ``next_check_at`` say when its gateway was, and will be, asked.
    """

    row: Row
    next_step: str
    created: str
    completed: str
    charged: str
    gateway_reference: str
    steps: tuple[Step, ...]
    linked: tuple[Linked, ...]
    can_check: bool
    can_cancel: bool
    can_retry: bool
    checked_at: datetime | None
    next_check_at: datetime | None


@dataclass(frozen=True, slots=True)
class TotalLine:
    """What an export holds in one currency."""

    currency: str
    rows: str
    completed: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What an export holds: rows in all, and rows and sums per currency."""

    rows: str
    totals: tuple[TotalLine, ...]


async def list_page(portal: Portal, who: Identity, view: View, after: Cursor | None) -> ListPage:
    """Return a page of the customer's own payments, with how many the view holds in all."""
    chosen = view.filter(who)
    async with portal.read_as(who) as session:
        rows = await payments.lines(session, chosen, view.order, after, PAGE_SIZE + 1)
        standings = await balances.standings(session, who.own_account())
        if after is None and len(rows) <= PAGE_SIZE:
            found = Count(len(rows), more=False)
        else:
            found = await _count(session, chosen, standings)
        shown = rows[:PAGE_SIZE]
    return ListPage(
        rows=tuple(row_of(portal, who, payment, payment.balance) for payment in shown),
        found=found,
        older=payments.cursor_of(shown[-1], view.order) if len(rows) > PAGE_SIZE else None,
        balances=balance_lines(who, standings),
    )


async def count(portal: Portal, who: Identity, chosen: Filter) -> Count:
    """Return how many of the customer's own payments a list holds."""
    async with portal.read_as(who) as session:
        kept = await balances.standings(session, who.own_account()) if chosen.kept() else ()
        return await _count(session, chosen, kept)


async def _count(session: AsyncSession, chosen: Filter, standings: Sequence[Standing]) -> Count:
    if chosen.kept() is None:
        return await payments.count(session, chosen, MOST_COUNTED)
    return Count(sum(standing.rows(chosen.status) for standing in standings), more=False)


def balance_lines(who: Identity, found: Sequence[Standing]) -> tuple[BalanceLine, ...]:
    """Write balances, the home currency first, which is shown even when nothing was ever paid."""
    home = who.home_currency
    known = {standing.currency: standing for standing in found if not standing.is_empty}
    ordered = [known.pop(home, Standing(home, 0, 0, {})), *known.values()]
    return tuple(
        BalanceLine(
            name=formatting.currency_name(standing.currency, who.locale),
            amount=_money(standing.amount, standing.currency, who),
            pending=_signed(standing.pending, standing.currency, who) if standing.pending else "",
            currency=standing.currency,
        )
        for standing in ordered
    )


async def summary(portal: Portal, who: Identity, view: View) -> Summary:
    """Return what an export of the view holds."""
    async with portal.read_as(who) as session:
        found = await payments.totals(session, view.filter(who))
    return Summary(
        rows=formatting.count(sum(total.rows for total in found), who.locale),
        totals=tuple(
            TotalLine(
                currency=total.currency,
                rows=formatting.count(total.rows, who.locale),
                completed=_money(total.completed, total.currency, who),
            )
            for total in found
        ),
    )


async def detail(portal: Portal, who: Identity, reference: str) -> Detail:
    """Return one of the customer's own payments; raises NotFound."""
    async with portal.read_as(who) as session:
        payment = await payments.find(session, who.own_account(), reference)
        if payment is None:
            raise NotFound(reference)
        entries = await payments.timeline(session, payment.key)
        linked = await payments.relatives(session, payment)
    pending = payment.status is PaymentStatus.PENDING
    top_up = payment.kind is PaymentKind.TOP_UP and payment.gateway in portal.gateways
    top_up = top_up and not who.read_only
    return Detail(
        row=row_of(portal, who, payment),
        next_step=wording.next_step(payment.reason),
        created=_when(payment.created_at, who),
        completed=_when(payment.completed_at, who) if payment.completed_at else "",
        charged=_charged(payment, who),
        gateway_reference=payment.gateway_reference or "",
        steps=_steps(portal, who, payment, entries),
        linked=tuple(
            Linked(
                other.reference,
                say("{kind} {total}", kind=wording.KINDS[other.kind], total=_total(other, who)),
            )
            for other in linked
        ),
        can_check=pending and top_up,
        can_cancel=pending and top_up,
        can_retry=payment.status is PaymentStatus.CANCELLED and top_up,
        checked_at=payment.checked_at if pending else None,
        next_check_at=payment.next_check_at,
    )


def _shown(text: str, who: Identity) -> str:
    return unmasked(text) if who.is_staff else text


def row_of(portal: Portal, who: Identity, payment: Line, balance: int | None = None) -> Row:
    """Write one payment as a line of the list; ``balance`` is what it left, if known."""
    gateway = portal.gateways.get(payment.gateway or "")
    pending = payment.status is PaymentStatus.PENDING
    note = wording.reason(payment.reason)
    if pending and not note:
        note = wording.waiting(say(gateway.label) if gateway else "")
    return Row(
        id=payment.key,
        reference=payment.reference,
        date=_when(payment.dated_at, who),
        date_note="" if payment.completed_at else say("created"),
        total=_total(payment, who),
        status=payment.status.value,
        status_label=wording.STATUSES[payment.status],
        description=wording.description(_shown(payment.description, who), payment.kind),
        note="" if payment.status is PaymentStatus.COMPLETED else note,
        method=method_text(portal, payment.gateway, payment.channel, payment.method_detail),
        icon=gateway.icon if gateway else _KIND_ICONS[payment.kind],
        at=int(payment.dated_at.timestamp()),
        balance="" if balance is None else _money(balance, payment.currency, who),
    )


def method_text(
    portal: Portal, gateway_code: str | None, channel_code: str | None, method_detail: str | None
) -> str:
    """Return what a person calls the means of a payment (``Visa ending 4242``, ``GCash``)."""
    if method_detail:
        return wording.method(method_detail)
    if gateway_code is None:
        return wording.from_balance()
    gateway = portal.gateways.get(gateway_code)
    if gateway is None:
        return gateway_code
    labels = (channel.label for channel in gateway.channels if channel.code == channel_code)
    return next(labels, "") or say(gateway.label)


def _steps(
    portal: Portal, who: Identity, payment: Payment, entries: Sequence[TimelineEntry]
) -> tuple[Step, ...]:
    gateway = portal.gateways.get(payment.gateway or "")
    steps = []
    for entry in entries:
        balance = entry.details.get("balance")
        text = wording.timeline(
            entry.code,
            gateway=say(gateway.label) if gateway else "",
            reason_code=entry.details.get("reason") or "",
            balance="" if balance is None else _money(balance, payment.currency, who),
        )
        if text:
            steps.append(Step(_when(entry.at, who), text))
    return tuple(steps)


def _money(minor: int, currency: str, who: Identity) -> str:
    return formatting.money(Money(minor, currency), who.locale)


def _signed(minor: int, currency: str, who: Identity) -> str:
    return formatting.signed(Money(minor, currency), who.locale)


def _total(payment: Line, who: Identity) -> str:
    return _money(payment.amount, payment.currency, who)


def _charged(payment: Payment, who: Identity) -> str:
    if payment.charge_amount is None or payment.charge_currency is None:
        return ""
    if (payment.charge_amount, payment.charge_currency) == (payment.amount, payment.currency):
        return ""
    return _money(payment.charge_amount, payment.charge_currency, who)


def _when(at: datetime, who: Identity) -> str:
    return formatting.day_and_time(at, who.locale, who.time_zone)
