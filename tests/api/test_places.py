"""Choosing language and time zone over HTTP, and what a login makes of them."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from payments_app.api import guards, login, places, words
from payments_app.db.models import User
from payments_app.services import context
from payments_app.services.catalogues import say
from payments_app.services.context import Portal
from tests.support.factories import make_account, make_user
from tests.support.logins import hash_password

PASSWORD = "a long enough password"
LOGIN = {"email": "reader@example.com", "password": PASSWORD}


@pytest.fixture
async def user(portal: Portal) -> User:
    account = await make_account(portal.db)
    hashed = hash_password(PASSWORD)
    return await make_user(portal.db, account, email=LOGIN["email"], password_hash=hashed)


@pytest.fixture
async def browser(portal: Portal) -> AsyncIterator[httpx.AsyncClient]:
    context.install(portal)
    app = FastAPI()
    for module in (login, places, words):
        app.include_router(module.router)

    @app.get("/spoken")
    async def spoken(who: guards.OptionalIdentity) -> list[str]:
        return [say("Cancel"), who.locale if who else "", who.time_zone if who else ""]

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url=portal.settings.public_url,
        headers={"Origin": portal.settings.public_url, "Accept-Language": "fr-CA,fr;q=0.9,en"},
    ) as client:
        yield client


async def spoken(browser: httpx.AsyncClient) -> list[str]:
    return list((await browser.get("/spoken")).json())


async def kept(portal: Portal, user: User) -> tuple[str, str]:
    async with portal.db.read() as session:
        found = await session.get_one(User, user.key)
    return found.locale, found.time_zone


async def test_the_first_login_takes_both_from_the_browser(
    portal: Portal, browser: httpx.AsyncClient, user: User
) -> None:
    assert await spoken(browser) == ["Annuler", "", ""]
    assert await kept(portal, user) == ("", "")
    answer = await browser.post("/auth/login", json=LOGIN | {"time_zone": "Asia/Manila"})
    assert answer.status_code == 200
    assert await spoken(browser) == ["Annuler", "fr-CA", "Asia/Manila"]
    assert await kept(portal, user) == ("fr-CA", "Asia/Manila")


async def test_what_was_chosen_stays_whatever_browser_logs_in(
    portal: Portal, browser: httpx.AsyncClient, user: User
) -> None:
    async with portal.db.write() as session:
        found = await session.get_one(User, user.key)
        found.locale, found.time_zone = "fil", "Europe/London"
    await browser.post("/auth/login", json=LOGIN | {"time_zone": "Asia/Manila"})
    assert await spoken(browser) == ["Kanselahin", "fil", "Europe/London"]


async def test_a_language_picked_on_the_login_page_is_the_users_from_then_on(
    portal: Portal, browser: httpx.AsyncClient, user: User
) -> None:
    picked = await browser.post(
        "/auth/places",
        data={"language": "ar"},
        headers={"Referer": f"{portal.settings.public_url}/login?next=%2Fprofile"},
    )
    assert (picked.status_code, picked.headers["location"]) == (303, "/login?next=%2Fprofile")
    assert (await spoken(browser))[0] == "إلغاء"
    await browser.post("/auth/login", json=LOGIN)
    assert await kept(portal, user) == ("ar", "")
    await browser.post("/auth/places", data={"language": "en", "time_zone": "Asia/Dubai"})
    assert await kept(portal, user) == ("en", "Asia/Dubai")


@pytest.mark.parametrize(
    "chosen", [{"language": "xx"}, {"time_zone": "Nowhere/Here"}, {"time_zone": "../UTC"}, {}]
)
async def test_what_nobody_knows_changes_nothing(
    portal: Portal, browser: httpx.AsyncClient, user: User, chosen: dict[str, str]
) -> None:
    await browser.post("/auth/login", json=LOGIN | {"time_zone": "Asia/Manila"})
    answer = await browser.post("/auth/places", data=chosen)
    assert answer.headers["location"] == "/"
    assert await kept(portal, user) == ("fr-CA", "Asia/Manila")


async def test_choosing_leads_to_no_other_site(browser: httpx.AsyncClient) -> None:
    for referer in ("https://evil.test//evil.test/x", "https://evil.test/\\evil.test", ""):
        answer = await browser.post("/auth/places", headers={"Referer": referer})
        assert answer.headers["location"].startswith("/")
        assert not answer.headers["location"].startswith(("//", "/\\"))


async def test_other_sites_choose_nothing(browser: httpx.AsyncClient) -> None:
    answer = await browser.post(
        "/auth/places", data={"language": "ar"}, headers={"Origin": "https://evil.test"}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(("language", "status"), [("fr", 200), ("en", 404), ("xx", 404)])
async def test_catalogues_may_be_kept(
    browser: httpx.AsyncClient, language: str, status: int
) -> None:
    answer = await browser.get(f"/words/{language}.json")
    assert answer.status_code == status
    if status == 200:
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.json()["words"]["Cancel"] == "Annuler"
