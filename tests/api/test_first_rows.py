"""What is written into the customer's first page, for whom, and what never is."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError
from starlette.staticfiles import StaticFiles

from payments_app.api import first_rows
from payments_app.db.models import Account, User
from payments_app.services import rates, reports
from payments_app.services.accounts import session_cookie
from payments_app.services.context import Portal, install
from tests.support.factories import WHEN, make_account, make_payment, make_user
from tests.support.logins import log_in_as

BUILT = (
    '<section><div class="first" data-first="balances"></div><p>bones</p></section>'
    '<span class="first zone" data-first="zone"></span>'
    '<tbody class="first" data-first="rows"></tbody>'
)
SCRIPT = "<script>alert(1)</script>"


class Visitors:
    """Browsers in front of the page, and one account with a payment in it."""

    def __init__(self, portal: Portal, account: Account, client: httpx.AsyncClient) -> None:
        self.portal = portal
        self.account = account
        self.client = client

    async def look(self, user: User | None = None, path: str = "/", **headers: str) -> str:
        """Open a page as a user, as the newest browser does; gives its text."""
        if user:
            token = await log_in_as(self.portal, user)
            headers["cookie"] = f"{session_cookie(self.portal.settings)}={token}"
        answer = await self.client.get(path, headers=headers)
        assert answer.status_code == 200
        return answer.text

    async def customer(self, **columns: object) -> User:
        return await make_user(self.portal.db, self.account, **columns)


@pytest.fixture
async def visitors(portal: Portal, tmp_path: Path) -> AsyncIterator[Visitors]:
    install(portal)
    (tmp_path / "index.html").write_text(BUILT)
    (tmp_path / "login").mkdir()
    (tmp_path / "login/index.html").write_text(BUILT)
    api = FastAPI()
    api.mount("", StaticFiles(directory=tmp_path, html=True))
    transport = httpx.ASGITransport(first_rows.with_first_rows(tmp_path)(api))
    account = await make_account(portal.db)
    await make_payment(portal.db, account, completed=True, description="My top-up")
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        yield Visitors(portal, account, client)


async def test_a_customer_finds_balance_zone_and_newest_payments(visitors: Visitors) -> None:
    page = await visitors.look(await visitors.customer(time_zone="Asia/Manila"))
    balance, zone, row = re.findall(r"\$25\.00|Asia/Manila|My top-up", page)[:3]
    assert (balance, zone, row) == ("$25.00", "Asia/Manila", "My top-up")
    assert page.count("<tr ") == 1


async def test_rule_9_nobody_finds_the_payments_of_another_account(visitors: Visitors) -> None:
    other = await make_account(visitors.portal.db)
    await make_payment(visitors.portal.db, other, completed=True, description="Theirs")
    assert "Theirs" not in await visitors.look(await visitors.customer())
    stranger = await make_user(visitors.portal.db, other)
    page = await visitors.look(stranger)
    assert "Theirs" in page
    assert "My top-up" not in page


async def test_everybody_else_gets_the_page_as_it_was_built(visitors: Visitors) -> None:
    assert await visitors.look() == BUILT
    assert await visitors.look(cookie="portal_session=made-up") == BUILT
    assert await visitors.look(await make_user(visitors.portal.db)) == BUILT
    assert await visitors.look(await visitors.customer(disabled_at=WHEN)) == BUILT
    assert await visitors.look(await visitors.customer(), "/login/") == BUILT


async def test_what_people_wrote_stays_text(visitors: Visitors) -> None:
    await make_payment(
        visitors.portal.db, visitors.account, completed=True, description=f'"{SCRIPT}'
    )
    page = await visitors.look(await visitors.customer(time_zone=SCRIPT))
    assert SCRIPT not in page
    assert "&quot;&lt;script&gt;" in page


async def test_it_is_never_kept_and_is_packed_for_who_can_unpack(visitors: Visitors) -> None:
    token = await log_in_as(visitors.portal, await visitors.customer())
    cookie = f"{session_cookie(visitors.portal.settings)}={token}"
    packed = await visitors.client.get("/", headers={"cookie": cookie})
    plain = await visitors.client.get("/", headers={"cookie": cookie, "accept-encoding": "br"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text
    assert "etag" not in packed.headers
    assert "last-modified" not in packed.headers


async def test_it_speaks_the_browsers_language(visitors: Visitors) -> None:
    user = await visitors.customer(locale="fr")
    assert "25,00" in await visitors.look(user)


@pytest.mark.parametrize("trouble", ["away", "slow", "asked too often"])
async def test_without_the_database_the_page_comes_without_rows(
    visitors: Visitors, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    async def slow(*_: object) -> None:
        await asyncio.Event().wait()

    if trouble == "asked too often":
        monkeypatch.setattr(rates, "REQUESTS", rates.Rate("requests", 0, 0))
    else:
        monkeypatch.setattr(reports, "list_page", {"away": away, "slow": slow}[trouble])
        monkeypatch.setattr(first_rows, "WAIT_SECONDS", 0.01)
    assert await visitors.look(await visitors.customer()) == BUILT


async def test_an_ended_login_session_finds_nothing(visitors: Visitors, portal: Portal) -> None:
    cookie = (
        f"{session_cookie(portal.settings)}={await log_in_as(portal, await visitors.customer())}"
    )
    assert (await visitors.client.get("/", headers={"cookie": cookie})).text != BUILT
    end = portal.clock() + timedelta(seconds=portal.settings.session_lifetime_seconds + 1)
    install(replace(portal, clock=lambda: end))
    assert (await visitors.client.get("/", headers={"cookie": cookie})).text == BUILT


async def test_a_front_end_that_is_not_built_is_left_alone(tmp_path: Path) -> None:
    app = FastAPI()
    app.get("/")(lambda: "developing")
    transport = httpx.ASGITransport(first_rows.with_first_rows(tmp_path)(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        assert (await client.get("/")).json() == "developing"
