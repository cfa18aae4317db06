"""A database without time for an event: the tab says so, keeps what was typed, and goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from payments_app.db.engine import Database, Limits
from payments_app.domain.errors import DatabaseBusy
from payments_app.services import context
from payments_app.services.context import Portal
from payments_app.services.metrics import EVENT_SECONDS
from payments_app.state.checkout import CheckoutState
from payments_app.state.checkout_form import CheckoutForm
from payments_app.state.notice import NoticeState, event_failed
from payments_app.state.payments import PaymentsState
from tests.support.factories import make_account, make_user
from tests.support.gateway import Till
from tests.support.logins import log_in_as
from tests.support.pipeline import Pipeline
from tests.support.sandbox import eventually


@pytest.fixture
async def small(portal: Portal) -> AsyncIterator[Portal]:
    """A portal with two connections, for which nothing waits long."""
    database = Database(portal.db.url, Limits(connections=2, wait=0.2))
    yield replace(portal, db=database, gateways={"till": Till()})
    await database.close()


async def test_many_events_on_a_full_pool_are_told_and_lose_nothing(
    small: Portal, pipeline: Pipeline
) -> None:
    context.install(small)
    pipeline.processor.backend_exception_handler = event_failed
    account = await make_account(small.db)
    session = await log_in_as(small, await make_user(small.db, account))
    tabs = [f"tab{number}" for number in range(10)]
    for tab in tabs:
        await pipeline.send(CheckoutState.load(), session=session, path="/", token=tab)
        await pipeline.send(CheckoutForm.type_amount("12.34"), session=session, token=tab)

    async def try_in(tab: str) -> None:
        with suppress(DatabaseBusy):
            await pipeline.send(PaymentsState.load(), session=session, path="/", token=tab)

    async def told(tab: str) -> str:
        return str((await pipeline.state(NoticeState, tab)).words)

    with capture_logs() as lines:
        async with small.db.read() as one, small.db.read() as two:
            for held in (one, two):
                await held.execute(text("select 1"))
            await asyncio.gather(*(try_in(tab) for tab in tabs))
            words = [await eventually(lambda tab=tab: told(tab)) for tab in tabs]
    references = {line["request"] for line in lines if line["event"] == "database_busy"}
    assert {words_of.rpartition(" ")[2] for words_of in words} == references
    assert all("very busy right now. Nothing you typed is lost" in said for said in words)

    before = EVENT_SECONDS._sum.get()
    for tab in tabs:
        await pipeline.send(PaymentsState.load(), session=session, path="/", token=tab)
        assert (await pipeline.state(CheckoutForm, tab)).amount == "12.34"
        await pipeline.send(NoticeState.dismiss(), session=session, token=tab)
        assert await told(tab) == ""
    assert EVENT_SECONDS._sum.get() > before
