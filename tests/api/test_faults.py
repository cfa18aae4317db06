"""What a request is answered when the database has no time for it, or something is broken."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from structlog.testing import capture_logs

from payments_app.api import exports, faults, login
from payments_app.db.engine import Database, Limits
from payments_app.services import context
from payments_app.services.context import Portal
from tests.support.factories import make_account, make_user
from tests.support.freezer import Freezer
from tests.support.logins import log_in_as

LIMITS = Limits(connections=2, wait=0.3, lock=0.2, statement=0.3)


@pytest.fixture
async def small(portal: Portal) -> AsyncIterator[Portal]:
    """A portal with two connections and little patience."""
    database = Database(portal.db.url, LIMITS)
    yield replace(portal, db=database)
    await database.close()


@pytest.fixture
async def client(small: Portal) -> AsyncIterator[httpx.AsyncClient]:
    """A logged-in customer's client of that portal."""
    async with customer_of(small) as client:
        yield client


@asynccontextmanager
async def customer_of(small: Portal) -> AsyncIterator[httpx.AsyncClient]:
    """Log a customer in."""
    context.install(small)
    app = FastAPI()
    for module in (login, exports):
        app.include_router(module.router)
    faults.answer_faults(app)

    @app.get("/broken")
    async def broken() -> None:
        raise LookupError("a secret")

    account = await make_account(small.db)
    session = await log_in_as(small, await make_user(small.db, account))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url=small.settings.public_url,
        cookies={"portal_session": session},
    ) as client:
        yield client


async def test_a_full_pool_is_answered_with_503_and_a_reference_and_recovers(
    small: Portal, client: httpx.AsyncClient
) -> None:
    async with small.db.read() as one, small.db.read() as two:
        for session in (one, two):
            await session.execute(text("select 1"))
        with capture_logs() as lines:
            answers = await asyncio.gather(
                *(client.get("/exports/payments.csv") for _ in range(20))
            )
    for answer in answers:
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert answer.json()["error"] == "busy"
        assert answer.json()["reference"] == answer.headers["x-request-id"]
    assert [line["log_level"] for line in lines] == ["error"] * 20
    answer = await client.get("/exports/payments.csv")
    assert answer.status_code == 200
    assert answer.text.startswith("Date / Time,")


async def test_a_database_that_falls_silent_is_answered_with_503(
    portal: Portal, postgres_url: str
) -> None:
    async with Freezer(postgres_url).running() as freezer:
        database = Database(freezer.url, replace(LIMITS, wait=1))
        silent = replace(portal, db=database)
        async with customer_of(silent) as client:
            assert (await client.get("/exports/payments.csv")).status_code == 200
            freezer.freeze()
            answer = await client.get("/exports/payments.csv")
            assert (answer.status_code, answer.json()["error"]) == (503, "busy")
        await database.close()


async def test_a_browser_reads_words(small: Portal, client: httpx.AsyncClient) -> None:
    async with small.db.read() as one, small.db.read() as two:
        for session in (one, two):
            await session.execute(text("select 1"))
        answer = await client.get("/exports/payments.csv", headers={"Accept": "text/html"})
    assert answer.text.startswith("The portal is very busy right now. Try again in a moment. Ref")
    assert answer.headers["x-request-id"] in answer.text


async def test_a_broken_route_says_a_reference_and_no_more(client: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        answer = await client.get("/broken")
    assert answer.status_code == 500
    assert answer.json() == {"error": "failed", "reference": answer.json()["reference"]}
    (line,) = lines
    assert line["event"] == "request_failed"
    assert "secret" in str(line["exc_info"])
