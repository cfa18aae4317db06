"""The rules that must hold at all times, checked again on the live data.

The database's own constraints refuse most breaches; this finds what got past them: a defect, a hand
in the tables, a disk that forgot. Whatever it finds becomes an alert that staff see.

The quick check follows indexes of open rows only, so it costs the same for a million payments. The
full one reads every row: it is made a few times a day, in single statements that read a snapshot
and block no writer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from payments_app.db import invariants, kept_totals, ledger
from payments_app.db.engine import Database
from payments_app.domain.money import Money
from payments_app.services import alerts, audit, leases, refusals, retention
from payments_app.services.alerts import Finding
from payments_app.services.context import Portal

_QUICK_SECONDS: Final = 60
_FULL_SECONDS: Final = 6 * 3600
_EVENT_PATIENCE: Final = timedelta(minutes=15)
"""More than a lease and a slow gateway's answer: after this long the worker has stopped."""
_CHECK_PATIENCE: Final = timedelta(hours=1)

_QUICK: Final = ("event_overdue", "payment_forgotten")
_FULL: Final = (
    "balance_wrong",
    "total_wrong",
    "sign_wrong",
    "reference_repeated",
    "history_illegal",
    "refunded_too_much",
    "audit_broken",
)


async def overdue(database: Database, now: datetime) -> list[Finding]:
    """Look for webhooks and Pending payments that nobody has handled in time."""
    async with database.read(patient=True) as session:
        events = await invariants.overdue_events(session, now - _EVENT_PATIENCE)
        payments = await invariants.forgotten_payments(session, now - _CHECK_PATIENCE)
    return [
        Finding("event_overdue", f"event:{gateway}:{event}"[:100], {"why": fault or outcome or ""})
        for gateway, event, outcome, fault in events
    ] + [
        Finding("payment_forgotten", f"payment:{reference}", {"gateway": gateway})
        for reference, gateway in payments
    ]


async def breaches(database: Database) -> list[Finding]:
    """Check every payment against the rules: signs by kind, one row for one of the gateway's
    payments, legal moves only, no more refunded than paid."""
    checks = (_signs, _references, _histories, _refunds)
    return [finding for check in checks for finding in await check(database)]


async def run(portal: Portal) -> None:
    """Check for ever, in one worker, and tell staff what is found.

    What came due while the portal was off has this long to be done before it counts as forgotten.
    """
    await asyncio.sleep(_QUICK_SECONDS)
    async with asyncio.TaskGroup() as group:
        for name, seconds, work in (
            ("invariants:quick", _QUICK_SECONDS, report_quick),
            ("invariants:full", _FULL_SECONDS, report_full),
            ("refusals", _FULL_SECONDS, refusals.forget_old),
            ("retention", _FULL_SECONDS, retention.empty_old),
        ):
            group.create_task(leases.every(portal, name, seconds, _bound(work, portal)))


def _bound(
    work: Callable[[Portal], Awaitable[object]], portal: Portal
) -> Callable[[], Awaitable[object]]:
    return lambda: work(portal)


async def report_quick(portal: Portal) -> int:
    """Make the quick check and raise what it finds; return how many alerts are new."""
    return await alerts.report(portal, _QUICK, await overdue(portal.db, portal.clock()))


async def report_full(portal: Portal) -> int:
    """Make the full check and raise what it finds; return how many alerts are new."""
    await audit.check(portal)
    found = [
        *await _balances(portal.db),
        *await _totals(portal.db),
        *await breaches(portal.db),
        *await _audit(portal.db),
    ]
    return await alerts.report(portal, _FULL, found)


async def _balances(database: Database) -> list[Finding]:
    async with database.read(patient=True) as session:
        wrong = await ledger.wrong_balances(session)
    return [
        Finding(
            "balance_wrong",
            f"account:{account}:{currency}",
            {
                "balance": Money(kept, currency).to_decimal(),
                "rows": Money(found, currency).to_decimal(),
            },
        )
        for account, currency, kept, found in wrong[: invariants.MOST]
    ]


async def _totals(database: Database) -> list[Finding]:
    async with database.read(patient=True) as session:
        wrong = await kept_totals.wrong(session)
    return [
        Finding(
            "total_wrong",
            f"account:{account}:{currency}",
            {name: f"{kept} kept, {found} of its rows" for name, (kept, found) in figures.items()},
        )
        for account, currency, figures in wrong[: invariants.MOST]
    ]


async def _signs(database: Database) -> list[Finding]:
    async with database.read(patient=True) as session:
        rows = await invariants.wrong_signs(session)
    return [
        Finding("sign_wrong", f"payment:{reference}", {"kind": kind, "minor_units": amount})
        for reference, kind, amount in rows
    ]


async def _references(database: Database) -> list[Finding]:
    async with database.read(patient=True) as session:
        rows = await invariants.repeated_gateway_references(session)
    return [
        Finding("reference_repeated", f"gateway:{gateway}:{reference}"[:100], {"rows": count})
        for gateway, reference, count in rows
    ]


async def _histories(database: Database) -> list[Finding]:
    async with database.read(patient=True) as session:
        rows = await invariants.illegal_histories(session)
    return [
        Finding(
            "history_illegal",
            f"payment:{reference}",
            {"status": status, "completed": int(completed), "cancelled": int(cancelled)},
        )
        for reference, status, completed, cancelled in rows
    ]


async def _refunds(database: Database) -> list[Finding]:
    async with database.read(patient=True) as session:
        rows = await invariants.excessive_refunds(session)
    return [
        Finding(
            "refunded_too_much",
            f"payment:{reference}",
            {"minor_units_paid": paid or 0, "minor_units_refunded": int(back)},
        )
        for reference, paid, back in rows
    ]


async def _audit(database: Database) -> list[Finding]:
    broken = await audit.first_broken(database)
    return [] if broken is None else [Finding("audit_broken", f"audit:{broken}")]
