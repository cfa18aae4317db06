"""The routes of receipts and statements: whom they serve, and what they refuse."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from payments_app.api import documents
from payments_app.api.guards import optional_identity
from payments_app.services import statements
from payments_app.services.context import Portal, install
from payments_app.services.identity import Identity
from tests.support.factories import identity_of, make_account, make_payment, make_user
from tests.support.pdf import text_of

STATEMENT = "/statements/statement.pdf"


class Routes:
    """The routes, as the person in ``who`` reaches them."""

    def __init__(self) -> None:
        self.who: Identity | None = None
        self.account_id = 0
        app = FastAPI()
        app.include_router(documents.router)
        app.dependency_overrides[optional_identity] = lambda: self.who
        transport = httpx.ASGITransport(app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://portal.test")


@pytest.fixture
async def routes(portal: Portal) -> AsyncIterator[Routes]:
    install(portal)
    routes = Routes()
    account = await make_account(portal.db)
    routes.who = identity_of(await make_user(portal.db, account), account)
    await make_payment(portal.db, account, completed=True, reference="MINE")
    await make_payment(portal.db, account, reference="OPEN")
    other = await make_account(portal.db)
    routes.account_id = other.key
    await make_payment(portal.db, other, completed=True, reference="THEIRS")
    async with routes.client:
        yield routes


async def test_documents_are_named_files(routes: Routes) -> None:
    paths = {
        "/receipts/MINE.pdf": "receipt-MINE.pdf",
        f"{STATEMENT}?since=2026-06-01&until=2026-07-31": "statement-2026-06-01-to-2026-07-31.pdf",
        STATEMENT: "statement-all.pdf",
    }
    for path, name in paths.items():
        answer = await routes.client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert "MINE" in text_of(answer.content)


async def test_rule_9_customers_reach_only_their_own(routes: Routes, portal: Portal) -> None:
    codes = [
        (await routes.client.get(f"/receipts/{name}.pdf")).status_code
        for name in ("THEIRS", "OPEN", "NONE")
    ]
    assert codes == [404, 404, 404]
    answer = await routes.client.get(f"{STATEMENT}?account={routes.account_id}")
    assert "THEIRS" not in text_of(answer.content)
    routes.who = identity_of(await make_user(portal.db))
    answer = await routes.client.get(f"{STATEMENT}?account={routes.account_id}")
    assert "THEIRS" in text_of(answer.content)
    assert (await routes.client.get("/receipts/THEIRS.pdf")).status_code == 200
    assert (await routes.client.get(STATEMENT)).status_code == 404
    routes.who = None
    assert (await routes.client.get("/receipts/MINE.pdf")).status_code == 401
    assert (await routes.client.get(STATEMENT)).status_code == 401


async def test_senseless_or_too_long_periods_are_refused(
    routes: Routes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await routes.client.get(f"{STATEMENT}?since=soon")).status_code == 422
    monkeypatch.setattr(statements, "MOST_ROWS", 0)
    answer = await routes.client.get(STATEMENT)
    assert answer.status_code == 413
    assert "choose a shorter period" in answer.json()["detail"]
