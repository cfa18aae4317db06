"""The download route: whom it serves, what it holds, how it is called."""

import csv
import io
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from payments_app.api import exports
from payments_app.api.guards import optional_identity
from payments_app.services.context import Portal, install
from payments_app.services.identity import Identity
from tests.support.factories import identity_of, make_account, make_payment, make_user

PATH = "/exports/payments.csv"


class Route:
    """The route, as the person in ``who`` reaches it."""

    def __init__(self) -> None:
        self.who: Identity | None = None
        app = FastAPI()
        app.include_router(exports.router)
        app.dependency_overrides[optional_identity] = lambda: self.who
        transport = httpx.ASGITransport(app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://portal.test")

    async def rows(self, query: str = "") -> list[list[str]]:
        answer = await self.client.get(f"{PATH}?{query}")
        assert answer.status_code == 200
        return list(csv.reader(io.StringIO(answer.text, newline="")))[1:]


@pytest.fixture
async def route(portal: Portal) -> AsyncIterator[Route]:
    install(portal)
    route = Route()
    account = await make_account(portal.db, name="Acme Telecom Ltd")
    route.who = identity_of(await make_user(portal.db, account), account)
    await make_payment(portal.db, account, completed=True, description="DID Pack")
    await make_payment(portal.db, account, description="Top-up")
    await make_payment(portal.db, await make_account(portal.db), description="Not yours")
    async with route.client:
        yield route


async def test_by_default_it_holds_all_of_the_own_account(route: Route) -> None:
    assert sorted(row[4] for row in await route.rows()) == ["DID Pack", "Top-up"]
    assert len(await route.rows("status=completed")) == 2


async def test_the_current_view_holds_exactly_its_filter(route: Route) -> None:
    assert [row[4] for row in await route.rows("view=current&search=did")] == ["DID Pack"]
    assert [row[4] for row in await route.rows("view=current&status=pending")] == ["Top-up"]
    assert await route.rows("view=current&search=nothing") == []


async def test_the_answer_is_a_named_file(route: Route) -> None:
    answer = await route.client.get(PATH)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        'attachment; filename="payments-acme-telecom-ltd-2026-07-01.csv"'
    )


async def test_rule_9_only_a_logged_in_customer_is_served(route: Route, portal: Portal) -> None:
    route.who = None
    assert (await route.client.get(PATH)).status_code == 401
    route.who = identity_of(await make_user(portal.db))
    assert (await route.client.get(PATH)).status_code == 403


@pytest.mark.parametrize("query", ["view=some", "status=paid", "since=soon", "search=%00"])
async def test_a_query_that_makes_no_view_is_refused(route: Route, query: str) -> None:
    assert (await route.client.get(f"{PATH}?{query}")).status_code == 422
