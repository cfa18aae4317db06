"""Several worker processes on one database: one sweep, no event handled twice, none forgotten."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from payments_app.db.engine import Database
from payments_app.db.models import InboxEvent, Payment
from payments_app.services import invariants, sweep, webhooks
from payments_app.services.context import Portal
from tests.support.factories import make_account, make_payment
from tests.support.gateway import Till, webhook
from tests.support.sandbox import eventually
from tests.support.working import PROCESSES, Notes, working

AN_HOUR = 3600


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    return Notes(tmp_path / "notes")


async def open_payments(database: Database, notes: Notes, count: int) -> list[Payment]:
    """Make Pending payments at the till that are due now."""
    account = await make_account(database)
    now = notes.clock()
    return [
        await make_payment(
            database,
            account,
            gateway="till",
            charge_amount=2500,
            charge_currency="USD",
            created_at=now,
            next_check_at=now,
        )
        for _ in range(count)
    ]


async def test_one_process_sweeps_however_many_there_are_and_another_when_it_is_killed(
    database: Database, notes: Notes
) -> None:
    payments = await open_payments(database, notes, 3)

    async def swept_often() -> bool:
        return len(notes.read()) >= 10 * len(payments)

    with working(database.url, notes, sweep.run, paid=False) as workers:
        await eventually(swept_often)
        (first,) = notes.processes()
        workers.kill(first)
        notes.path.unlink()
        notes.let_pass(60)  # more than a lease
        await eventually(swept_often)
        (second,) = notes.processes()
    assert second != first


async def receive(portal: Portal, payments: list[Payment], each: int) -> None:
    """Store so many events of each payment; none proves anything by itself."""
    for payment in payments:
        for number in range(each):
            event = webhook(f"{payment.reference}-{number}", payment.reference, proof=False)
            await webhooks.receive(portal, "till", *event)


async def events(database: Database) -> list[InboxEvent]:
    async with database.read() as session:
        return list((await session.execute(select(InboxEvent))).scalars())


async def test_no_event_is_handled_twice_by_processes_that_work_at_the_same_time(
    portal: Portal, notes: Notes
) -> None:
    payments = await open_payments(portal.db, notes, 24)
    portal = replace(portal, gateways={"till": Till()}, clock=notes.clock)
    await receive(portal, payments, 2)

    async def all_handled() -> bool:
        return all(event.handled_at for event in await events(portal.db))

    with working(portal.db.url, notes, webhooks.run, paid=True, together=True):
        await eventually(all_handled)
    assert len(notes.processes()) == PROCESSES
    assert Counter(said for _, said in notes.read()) == {row.reference: 2 for row in payments}
    assert {event.attempts for event in await events(portal.db)} == {1}
    assert await invariants.breaches(portal.db) == []


async def test_what_a_killed_process_had_in_hand_is_handled_by_another(
    portal: Portal, notes: Notes
) -> None:
    payments = await open_payments(portal.db, notes, 12)
    portal = replace(portal, gateways={"till": Till()}, clock=notes.clock)
    await receive(portal, payments, 1)

    async def some_in_hand() -> bool:
        return bool(notes.processes())

    async def all_handled() -> bool:
        return all(event.handled_at for event in await events(portal.db))

    with working(portal.db.url, notes, webhooks.run, paid=True, together=True) as workers:
        await eventually(some_in_hand)
        workers.kill(notes.read()[0][0])  # its look-ups wait for the other processes
        notes.let_pass(AN_HOUR)
        await eventually(all_handled)
    assert max(event.attempts for event in await events(portal.db)) == 2
    assert await invariants.breaches(portal.db) == []
