"""Leases: one worker at a time, another when the first is gone."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from payments_app.db.engine import Database
from payments_app.db.work_models import Lease as Row
from payments_app.services import leases
from payments_app.services.context import Portal
from payments_app.services.leases import LEASE, Lease, LeaseLost
from tests.support.clock import Clock


@pytest.fixture
async def other(portal: Portal, database_url: str) -> AsyncIterator[Portal]:
    """Another worker: a portal of its own on the same database."""
    database = Database(database_url)
    yield replace(portal, db=database, worker="other")
    await database.close()


async def test_of_many_workers_at_the_same_moment_one_gets_it(portal: Portal) -> None:
    workers = [Lease(replace(portal, worker=f"worker {n}"), "work") for n in range(12)]
    assert sum(await asyncio.gather(*(each.take() for each in workers))) == 1
    assert sum(await asyncio.gather(*(each.take() for each in workers))) == 1


async def test_it_is_renewed_and_taken_over_after_its_end(
    portal: Portal, other: Portal, clock: Clock
) -> None:
    first, second = Lease(portal, "work"), Lease(other, "work")
    for _ in range(5):
        assert await first.take()
        clock.forward(seconds=LEASE.total_seconds() - 1)
        assert not await second.take()
    clock.forward(seconds=LEASE.total_seconds())
    assert await second.take()
    assert not await first.take()


async def test_given_back_it_is_free_at_once(portal: Portal, other: Portal) -> None:
    first, second = Lease(portal, "work"), Lease(other, "work")
    assert await first.take()
    await second.give_back()
    assert not await second.take()
    await first.give_back()
    assert await second.take()


async def test_each_work_has_its_own(portal: Portal, other: Portal) -> None:
    assert await Lease(portal, "work").take()
    assert await Lease(other, "other work").take()


async def test_a_worker_that_lost_it_stops(
    portal: Portal, other: Portal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "_RENEW_SECONDS", 0.01)
    lease = Lease(portal, "work")
    assert await lease.take()
    clock.forward(seconds=LEASE.total_seconds())
    assert await Lease(other, "work").take()
    with pytest.raises(LeaseLost):
        async with lease.kept():
            await asyncio.Event().wait()


async def test_long_work_keeps_it(
    portal: Portal, other: Portal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "_RENEW_SECONDS", 0.01)
    lease, rival = Lease(portal, "work"), Lease(other, "work")
    assert await lease.take()
    async with lease.kept():
        for _ in range(4):
            clock.forward(seconds=LEASE.total_seconds() - 5)
            async with asyncio.timeout(20):
                while not await _renewed(portal, clock):
                    await asyncio.sleep(0.01)
            assert not await rival.take()


async def _renewed(portal: Portal, clock: Clock) -> bool:
    async with portal.db.read() as session:
        row = await session.get_one(Row, "work")
    return row.until > clock() + timedelta(seconds=LEASE.total_seconds() - 1)


async def test_scheduled_work_is_done_in_one_worker_and_goes_over(
    portal: Portal, other: Portal
) -> None:
    done: list[str] = []
    changed = asyncio.Condition()

    async def work(name: str) -> None:
        async with changed:
            done.append(name)
            changed.notify_all()
        if len(done) == 2:
            raise RuntimeError("one fault does not end the schedule")

    async def at_least(count: int) -> None:
        async with asyncio.timeout(20), changed:
            await changed.wait_for(lambda: len(done) >= count)

    first = asyncio.create_task(leases.every(portal, "work", 0.01, lambda: work("first")))
    await at_least(1)
    second = asyncio.create_task(leases.every(other, "work", 0.01, lambda: work("second")))
    await at_least(5)
    assert set(done) == {"first"}
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    done.clear()
    await at_least(1)
    assert set(done) == {"second"}
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
