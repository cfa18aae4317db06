"""The download of an account's personal data: for owners, whole, and never from another site."""

import httpx
import pytest

from payments_app.payments_app import api
from payments_app.services import context
from payments_app.services.context import Portal
from tests.support.factories import make_account, make_user
from tests.support.logins import log_in_as


@pytest.fixture
async def cookie(portal: Portal) -> dict[str, str]:
    context.install(portal)
    owner = await make_user(portal.db)
    return {"cookie": f"portal_session={await log_in_as(portal, owner)}"}


async def test_an_owner_downloads_what_is_kept(portal: Portal, cookie: dict[str, str]) -> None:
    account = await make_account(portal.db)
    user = await make_user(portal.db, account)
    path = f"/staff/exports/personal-data/{account.id}"
    transport = httpx.ASGITransport(api)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        answer = await client.get(path, headers=cookie)
        foreign = await client.get(path, headers=cookie | {"sec-fetch-site": "cross-site"})
        unknown = await client.get("/staff/exports/personal-data/999", headers=cookie)
    assert answer.json()["data"]["app_user"]["rows"][0]["email"] == user.email
    assert "attachment" in answer.headers["content-disposition"]
    assert (foreign.status_code, unknown.status_code) == (403, 404)
