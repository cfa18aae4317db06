"""The demo's first start: no alarm, and nothing that the gateways see otherwise than the portal."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path

import pytest
from sqlalchemy import select

from payments_app.cli import demo
from payments_app.db.models import Payment
from payments_app.db.reconciliation import differences
from payments_app.domain.payment import PaymentKind, PaymentStatus
from payments_app.gateways import registry
from payments_app.sandbox.app import create_sandbox, issued_settings
from payments_app.services import invariants, reconciliation, sweep
from payments_app.services.context import Portal
from tests.support.clock import Clock
from tests.support.databases import Databases, Sqlite
from tests.support.sandbox import FakeClock, RunningSandbox, sandbox_at, webhook_receiver

TODAY = date(2026, 7, 1)
_AT_THE_GATEWAY = {
    PaymentKind.TOP_UP: "charge",
    PaymentKind.REFUND: "refund",
    PaymentKind.CHARGEBACK: "chargeback",
}


@pytest.fixture(scope="module")
def databases(sqlite: Sqlite) -> Databases:
    """One kind of database: the books of the gateways are the same for both."""
    return sqlite


@pytest.fixture
async def filled(portal: Portal, clock: Clock, tmp_path: Path) -> Portal:
    """The portal, on the morning after the demo ends, with the demo on both sides."""
    clock.now = datetime.combine(TODAY, time(9), clock.now.tzinfo)
    origin = "http://portal.test/sandbox"
    sandbox = create_sandbox(tmp_path / "sandbox.db", origin=origin, portal_url="")
    assert await demo.fill(portal.db, TODAY, sandbox)
    return portal


@pytest.fixture
async def running(filled: Portal, tmp_path: Path) -> AsyncIterator[RunningSandbox]:
    """The sandbox after its first start; nothing leaves it in the background."""
    now = FakeClock(filled.clock().timestamp())
    async with (
        webhook_receiver() as receiver,
        sandbox_at(tmp_path / "sandbox.db", receiver, clock=now) as running,
    ):
        yield running


@pytest.fixture
async def started(filled: Portal, running: RunningSandbox) -> AsyncIterator[Portal]:
    """The portal of a fresh `make run`."""
    gateways = registry.connect(issued_settings(running.origin))
    yield replace(filled, gateways=gateways)
    for gateway in gateways.values():
        await gateway.aclose()


async def payments(portal: Portal) -> list[Payment]:
    async with portal.db.read() as session:
        return list((await session.execute(select(Payment).order_by(Payment.id))).scalars())


async def test_the_first_sweep_changes_nothing_and_raises_no_alarm(
    started: Portal, running: RunningSandbox
) -> None:
    before = {row.reference: (row.status, row.reason) for row in await payments(started)}
    assert PaymentStatus.PENDING in {status for status, _ in before.values()}
    assert await sweep.sweep_once(started) > 0
    assert {row.reference: (row.status, row.reason) for row in await payments(started)} == before
    assert await invariants.report_quick(started) == 0
    assert await invariants.report_full(started) == 0
    for gateway in running.sandbox.providers:
        assert await running.send_due(gateway) == 0


async def test_the_days_of_the_demo_reconcile(started: Portal) -> None:
    days: defaultdict[str, set[date]] = defaultdict(set)
    for row in await payments(started):
        if row.completed_at and row.gateway and row.kind is PaymentKind.TOP_UP:
            days[row.gateway].add(row.completed_at.date())
    assert days.keys() == started.gateways.keys()
    for gateway, paid in days.items():
        for day in (min(paid), *sorted(paid)[-3:]):
            (result,) = await reconciliation.reconcile(started, day, "test", gateway)
            assert result.failed is None, (day, gateway)
            assert result.compared
            async with started.db.read() as session:
                assert await differences(session, [result.key]) == []


async def test_the_gateways_books_hold_what_the_portal_holds(
    started: Portal, running: RunningSandbox
) -> None:
    rows = await payments(started)
    open_ones = [
        row
        for row in rows
        if row.status is PaymentStatus.PENDING and row.gateway in ("nowpayments", "paynamics")
    ]
    assert open_ones
    assert all(row.next_action for row in open_ones)
    ledger = await running.ledger("card")
    kinds = Counter(str(entry["kind"]) for entry in ledger)
    cards = [row for row in rows if row.gateway == "card" and row.status is PaymentStatus.COMPLETED]
    assert kinds == Counter(_AT_THE_GATEWAY[row.kind] for row in cards)
    assert {entry["reference"] for entry in ledger} <= {row.reference for row in cards}
