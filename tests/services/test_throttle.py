"""The brake on guessing: growing waits, counted in the database for all workers."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from payments_app.db.access_models import Failures
from payments_app.db.engine import Database
from payments_app.domain.errors import TooManyAttempts
from payments_app.services import throttle
from payments_app.services.context import Portal
from payments_app.services.throttle import Limit, count_attempt
from tests.support.clock import Clock

LIMIT = {"key": Limit(free=1, longest=timedelta(minutes=1))}


async def wait_of(portal: Portal) -> int:
    """Make one attempt; returns how long it has to wait, 0 when it was counted."""
    try:
        await count_attempt(portal, LIMIT)
    except TooManyAttempts as refused:
        return refused.retry_after
    return 0


async def test_the_wait_doubles_and_runs_from_the_last_failure(
    portal: Portal, clock: Clock
) -> None:
    assert await wait_of(portal) == 0
    waits = []
    for _ in range(8):
        waits.append(await wait_of(portal))
        clock.forward(seconds=waits[-1] - 1)
        assert await wait_of(portal) == 1
        clock.forward(seconds=1)
        assert await wait_of(portal) == 0
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_another_worker_counts_the_same_failures(portal: Portal) -> None:
    other = replace(portal, db=Database(portal.db.url))
    assert await wait_of(portal) == 0
    assert await wait_of(other) == 1
    await other.db.close()


async def test_a_success_is_taken_back_or_forgets_all(portal: Portal, clock: Clock) -> None:
    for _ in range(2):
        assert await wait_of(portal) == 0
        clock.forward(seconds=1)
    async with portal.db.write() as session:
        await throttle.take_back(session, "key")
    assert await wait_of(portal) == 0
    async with portal.db.write() as session:
        await throttle.forget(session, "key")
    assert await wait_of(portal) == 0


async def test_what_failed_long_ago_leaves_no_row_and_keys_are_hashed(
    portal: Portal, clock: Clock
) -> None:
    await count_attempt(portal, {f"key {number}": LIMIT["key"] for number in range(20)})
    clock.forward(hours=1)
    await count_attempt(portal, LIMIT)
    async with portal.db.read() as session:
        rows = (await session.execute(select(Failures))).scalars().all()
    assert len(rows) == 1
    assert len(rows[0].key) == 32


@pytest.mark.parametrize("key", ["", "\ud800", "\N{SNOWMAN}", "x" * 5000])
async def test_any_text_is_a_key(portal: Portal, key: str) -> None:
    await count_attempt(portal, {key: LIMIT["key"]})
    with pytest.raises(TooManyAttempts):
        await count_attempt(portal, {key: LIMIT["key"]})
