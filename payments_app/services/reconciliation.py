"""Reconciliation: each gateway's day against our books, kept, and pulled in where they differ."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

import structlog
from pydantic import TypeAdapter

from payments_app.db import inbox, ledger
from payments_app.db import reconciliation as rows
from payments_app.db.events import UNMATCHED
from payments_app.db.models import Payment
from payments_app.db.operations_models import Difference, Reconciliation
from payments_app.domain.errors import NotFound
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus, Reason, Role
from payments_app.gateways.base import Gateway, GatewayEvent, PaymentResult, Subject
from payments_app.gateways.errors import GatewayRejected, GatewayUnavailable
from payments_app.services import audit, leases
from payments_app.services.audit import Actor
from payments_app.services.comparison import Comparison, Found, Kind, compare
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.lookup import ask_gateway, payment_by_id
from payments_app.services.settlement import settle
from payments_app.services.unmatched import MISSING_HERE

log = structlog.get_logger()

TOPIC: Final = "reconciliation"
SCHEDULE: Final = "schedule"
_LOOK_SECONDS: Final = 600.0
_HOURS_TO_WAIT: Final = 4
"""Lists are complete some hours after midnight (PayPal's within three)."""
_NOT_COMPARED: Final = "not compared"


async def reconcile(
    portal: Portal, day: date, actor: str, gateway: str | None = None
) -> tuple[Reconciliation, ...]:
    """Compare one UTC day at every gateway that is set up, or at one; returns the kept results.

    ``actor`` says who asked. A gateway that does not answer has a result that says so. Raises
    NotFound for an unknown gateway.
    """
    chosen = [portal.gateway(gateway)] if gateway else list(portal.gateways.values())
    results = []
    for each in chosen:
        if each.missing_settings():
            continue
        results.append(await _reconcile_one(portal, each, day, actor))
    await portal.feed.announce(TOPIC)
    return tuple(results)


async def reconcile_by(
    portal: Portal, who: Identity, day: date, gateway: str | None = None, address: str = ""
) -> tuple[Reconciliation, ...]:
    """Do the same for staff; raises NotAllowed below finance."""
    who.require(Role.FINANCE)
    results = await reconcile(portal, day, who.email, gateway)
    async with portal.db.write() as session:
        await audit.record(
            session,
            portal.clock(),
            Actor.of(who, address),
            "reconciled",
            f"day:{day.isoformat()}",
            after={"comparisons": [result.key for result in results]},
        )
    return results


async def run(portal: Portal) -> None:
    """Compare each day when it is over, in one worker of the cluster, for ever."""
    await leases.every(portal, "reconciliation", _LOOK_SECONDS, lambda: reconcile_due(portal))


async def reconcile_due(portal: Portal) -> int:
    """Compare yesterday at the gateways where that has not gone through; return how many."""
    yesterday = (portal.clock() - timedelta(days=1, hours=_HOURS_TO_WAIT)).date()
    done = 0
    for code, gateway in portal.gateways.items():
        if not gateway.offered or gateway.staff_confirmed:
            continue
        async with portal.db.read() as session:
            if await rows.was_done(session, code, yesterday):
                continue
        await reconcile(portal, yesterday, SCHEDULE, code)
        done += 1
    return done


async def _reconcile_one(portal: Portal, gateway: Gateway, day: date, actor: str) -> Reconciliation:
    started, failed = portal.clock(), None
    comparison = Comparison(_NOT_COMPARED)
    try:
        comparison = await compare(portal, gateway, day)
    except (GatewayUnavailable, GatewayRejected) as error:
        log.warning("reconciliation_failed", gateway=gateway.code, fault=str(error))
        failed = str(error)[:200]
    row = Reconciliation(
        gateway=gateway.code,
        day=day,
        method=comparison.method,
        failed=failed,
        actor=actor,
        compared=comparison.compared,
        totals=comparison.totals,
        started_at=started,
        finished_at=portal.clock(),
    )
    async with portal.db.write() as session:
        session.add(row)
        await session.flush()
        session.add_all(_kept(row.key, found) for found in comparison.found)
    return row


def _kept(reconciliation_id: int, found: Found) -> Difference:
    payment, theirs = found.payment, found.theirs
    return Difference(
        reconciliation_id=reconciliation_id,
        kind=found.kind.value,
        payment_id=payment.key if payment else None,
        reference=payment.reference if payment else theirs.own_reference if theirs else None,
        gateway_reference=theirs.gateway_reference
        if theirs
        else payment.gateway_reference
        if payment
        else None,
        currency=found.currency,
        ours=found.our_amount,
        theirs=found.their_amount,
        our_status=payment.status.value if payment else None,
        their_status=theirs.status.value if theirs else None,
        at=found.at,
    )


async def pull_in(portal: Portal, who: Identity, difference_id: int, address: str = "") -> str:
    """Bring our books in line with the gateway's, or show the doubt to review; return what it did.

    What can be proved is asked for again and settled. Money that is of no row of ours, and a row
    that the gateway does not know, go to the review queue. Twice does nothing twice. Raises
    NotAllowed below finance, and NotFound.
    """
    who.require(Role.FINANCE)
    async with portal.db.read() as session:
        difference = await session.get(Difference, difference_id)
        if difference is None:
            raise NotFound(f"difference {difference_id}")
        result = await session.get_one(Reconciliation, difference.reconciliation_id)
    if difference.settled_as is not None:
        return difference.settled_as
    outcome = await _settle_difference(portal, who, result.gateway, difference)
    now = portal.clock()
    async with portal.db.write() as session:
        row = await session.get_one(Difference, difference_id, with_for_update=True)
        row.settled_at, row.settled_as = now, outcome
        await audit.record(
            session,
            now,
            Actor.of(who, address),
            "difference_pulled_in",
            f"payment:{difference.reference}" if difference.reference else f"day:{result.day}",
            after={"difference": difference_id, "kind": difference.kind, "outcome": outcome},
        )
    await portal.feed.announce(TOPIC)
    return outcome


async def _settle_difference(
    portal: Portal, who: Identity, gateway: str, difference: Difference
) -> str:
    if difference.payment_id is None:
        return await _review_unknown(portal, gateway, difference)
    payment = await payment_by_id(portal, difference.payment_id)
    if difference.kind == Kind.FEE:
        return await _take_fee(portal, who, payment, difference)
    if payment.status is not PaymentStatus.COMPLETED:
        return str(await ask_gateway(portal, payment, who.email) or "no answer")
    # A Completed row never changes: staff decide what follows.
    doubt = PaymentResult(
        PaymentStatus.PENDING,
        payment.gateway_reference,
        reason=Reason.AMOUNT_MISMATCH
        if difference.kind == Kind.AMOUNT
        else Reason.MISSING_AT_GATEWAY,
        received=_money(difference),
    )
    return str(await settle(portal, payment.key, doubt, actor=who.email))


def _money(difference: Difference) -> Money | None:
    if difference.theirs is None or difference.currency is None:
        return None
    return Money(difference.theirs, difference.currency)


async def _review_unknown(portal: Portal, gateway: str, difference: Difference) -> str:
    """Put money of no payment before staff, as a message that belongs to no payment."""
    now = portal.clock()
    name = difference.gateway_reference or difference.reference or str(difference.key)
    amount = _money(difference)
    event = GatewayEvent(
        f"reconciliation:{name}",
        MISSING_HERE,
        Subject.PAYMENT,
        reference=difference.reference,
        gateway_reference=difference.gateway_reference,
        result=PaymentResult(
            PaymentStatus.COMPLETED,
            difference.gateway_reference,
            amount=amount,
            own_reference=difference.reference,
        ),
    )
    values = {
        "gateway": gateway,
        "event_id": event.event_id,
        "kind": MISSING_HERE,
        "reference": difference.reference or difference.gateway_reference,
        "gateway_reference": difference.gateway_reference,
        "verified": True,
        "event": TypeAdapter(GatewayEvent).dump_python(event, mode="json"),
        "headers": {},
        "body": f'{{"amount": "{amount.to_decimal()} {amount.currency}"}}' if amount else "",
        "received_at": now,
        "times_received": 1,
        "attempts": 0,
        "handled_at": now,
        "outcome": UNMATCHED,
    }
    async with portal.db.write() as session:
        await inbox.store(session, values)
    await portal.feed.announce("webhooks")
    return "in review"


async def _take_fee(portal: Portal, who: Identity, payment: Payment, difference: Difference) -> str:
    """Note the fee that the gateway names; what was credited stays as it is."""
    async with portal.db.write() as session:
        row = await ledger.lock_payment(session, payment.key)
        row.fee = difference.theirs
        ledger.add_timeline(
            session, row, portal.clock(), "fee_noted", who.email, fee=difference.theirs
        )
    return "noted"


async def wrong_balances(portal: Portal) -> Sequence[tuple[int, str, int, int]]:
    """Return (account, currency, kept, recomputed) of each balance that differs from its rows."""
    async with portal.db.read() as session:
        return await ledger.wrong_balances(session)


def latest_day(now: datetime) -> date:
    """Return the last UTC day that is over."""
    return (now - timedelta(days=1)).date()
