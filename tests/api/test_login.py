"""The login routes over HTTP: cookie, codes, and requests from other sites."""

from collections.abc import AsyncIterator
from dataclasses import replace
from http.cookies import SimpleCookie

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from payments_app.api import guards, login
from payments_app.api.login import local_path
from payments_app.db.mail_models import Mail
from payments_app.db.models import User
from payments_app.services import context
from payments_app.services.context import Portal
from payments_app.settings import Settings
from tests.support.clock import Clock
from tests.support.factories import make_account, make_user
from tests.support.logins import hash_password, log_in_as, own_form

EMAIL, PASSWORD = "ada@example.com", "correct horse"
RIGHT = {"email": EMAIL, "password": PASSWORD}
ORIGIN = "http://portal.test"


def browser(portal: Portal) -> httpx.AsyncClient:
    """A client of an app with the login routes and one guarded route for each kind of user."""
    context.install(portal)
    app = FastAPI()
    app.include_router(login.router)

    @app.get("/who")
    async def who(who: guards.OptionalIdentity) -> str:
        return who.email if who else "nobody"

    @app.get("/customer")
    async def customer(who: guards.CustomerIdentity) -> str:
        return who.email

    @app.get("/staff", dependencies=[guards.SameOrigin])
    async def staff(who: guards.ViewerIdentity) -> str:
        return who.email

    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url=portal.settings.public_url,
        headers={"Origin": portal.settings.public_url},
    )


@pytest.fixture
async def client(portal: Portal) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(portal) as client:
        yield client


async def log_out(client: httpx.AsyncClient, name: str = "portal_session") -> httpx.Response:
    return await client.post("/auth/logout", data=own_form(client.cookies[name]))


@pytest.fixture(autouse=True)
async def user(portal: Portal) -> User:
    account = await make_account(portal.db)
    return await make_user(portal.db, account, email=EMAIL, password_hash=hash_password(PASSWORD))


async def test_logging_in_sets_the_cookie_and_names_the_next_page(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/auth/login", json=RIGHT | {"next": "/payments?status=pending"})
    assert (answer.status_code, answer.json()) == (200, {"next": "/payments?status=pending"})
    cookie = SimpleCookie(answer.headers.get_list("set-cookie")[0])["portal_session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "lax", "/")
    assert not cookie["secure"]
    assert not cookie["domain"]
    assert (await client.get("/who")).json() == EMAIL


async def test_over_tls_the_cookie_is_secure_and_bound_to_the_host(
    portal: Portal, settings: Settings
) -> None:
    tls = settings.model_copy(update={"public_url": "https://portal.test"})
    async with browser(replace(portal, settings=tls)) as client:
        answer = await client.post("/auth/login", json=RIGHT)
        cookie = SimpleCookie(answer.headers.get_list("set-cookie")[0])["__Host-portal_session"]
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
        assert (await client.get("/who")).json() == EMAIL
        await log_out(client, "__Host-portal_session")
        assert (await client.get("/who")).json() == "nobody"


async def test_a_wrong_password_and_an_unknown_user_look_the_same(
    client: httpx.AsyncClient,
) -> None:
    wrong = await client.post("/auth/login", json=RIGHT | {"password": "wrong"})
    unknown = await client.post("/auth/login", json=RIGHT | {"email": "nobody@example.com"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json() == {"error": "wrong_login"}
    assert "set-cookie" not in wrong.headers
    assert [*wrong.headers] == [*unknown.headers]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b'{"email": "ada@example.com"}',
        b'{"email": "ada@example.com", "password": 5}',
        b'{"email": "ada@example.com", "password": ""}',
        b'{"email": "ada@example.com", "password": "secret", "role": "owner"}',
        b'{"email": "ada\\u0000@example.com", "password": "secret"}',
        b'{"email": "ada@example.com", "password": "\\ud800secret"}',
        b'{"email": "ada@example.com", "password": "' + b"secret" * 10_000 + b'"}',
    ],
)
async def test_a_senseless_body_is_refused_without_repeating_it(
    client: httpx.AsyncClient, body: bytes
) -> None:
    answer = await client.post("/auth/login", content=body)
    assert (answer.status_code, answer.json()) == (422, {"error": "invalid"})


async def test_too_many_failures_are_told_how_long_to_wait(client: httpx.AsyncClient) -> None:
    for _ in range(5):
        await client.post("/auth/login", json=RIGHT | {"password": "wrong"})
    answer = await client.post("/auth/login", json=RIGHT)
    assert (answer.status_code, answer.json()) == (429, {"error": "too_many_attempts"})
    assert answer.headers["retry-after"] == "1"


async def test_logging_in_again_ends_the_session_before(
    client: httpx.AsyncClient, portal: Portal
) -> None:
    await client.post("/auth/login", json=RIGHT)
    first = client.cookies["portal_session"]
    await client.post("/auth/login", json=RIGHT)
    assert client.cookies["portal_session"] != first
    async with browser(portal) as thief:
        thief.cookies.set("portal_session", first)
        assert (await thief.get("/who")).json() == "nobody"


async def test_a_sign_in_from_a_new_device_is_told_by_email_and_the_first_one_is_not(
    client: httpx.AsyncClient, portal: Portal
) -> None:
    async def told() -> list[str]:
        async with portal.db.read() as session:
            return list((await session.execute(select(Mail.recipient))).scalars())

    answer = await client.post("/auth/login", json=RIGHT)
    cookie = SimpleCookie(answer.headers.get_list("set-cookie")[1])["portal_device"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "lax", "/")
    await log_out(client)
    await client.post("/auth/login", json=RIGHT)
    assert await told() == []
    async with browser(portal) as other:
        await other.post("/auth/login", json=RIGHT | {"password": "wrong"})
        assert await told() == []
        await other.post("/auth/login", json=RIGHT)
        await other.post("/auth/login", json=RIGHT)
    assert await told() == [EMAIL]


async def test_logging_out_ends_the_session_and_clears_the_cookie(
    client: httpx.AsyncClient, portal: Portal
) -> None:
    await client.post("/auth/login", json=RIGHT)
    token = client.cookies["portal_session"]
    answer = await log_out(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "portal_session" not in client.cookies
    async with browser(portal) as thief:
        thief.cookies.set("portal_session", token)
        assert (await thief.get("/who")).json() == "nobody"


async def test_logging_out_by_a_plain_link_is_impossible(client: httpx.AsyncClient) -> None:
    assert (await client.get("/auth/logout")).status_code == 405


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"origin": ORIGIN}, True),
        ({"origin": "https://evil.test"}, False),
        ({"origin": "http://portal.test.evil.test"}, False),
        ({"origin": "http://portal.test:8080"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({"sec-fetch-site": "same-origin", "origin": ORIGIN}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site", "origin": ORIGIN}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "nonsense"}, False),
        ({"sec-fetch-site": "same-origin", "origin": "https://evil.test"}, False),
        ({"host": "evil.test", "origin": "http://evil.test"}, False),
    ],
)
async def test_other_sites_can_neither_log_in_nor_out_nor_read(
    client: httpx.AsyncClient, portal: Portal, headers: dict[str, str], allowed: bool
) -> None:
    staff = await log_in_as(portal, await make_user(portal.db))
    cookie = {"cookie": f"portal_session={staff}"}
    del client.headers["origin"]
    answers = [
        await client.get("/staff", headers=headers | cookie),
        await client.post("/auth/login", json=RIGHT, headers=headers),
        await client.post("/auth/logout", headers=headers | cookie, data=own_form(staff)),
    ]
    codes = [answer.status_code for answer in answers]
    assert codes == ([200, 200, 303] if allowed else [403, 403, 403])


async def test_who_does_not_say_where_a_request_is_from_may_only_read(
    client: httpx.AsyncClient, portal: Portal
) -> None:
    staff = await log_in_as(portal, await make_user(portal.db))
    cookie = {"cookie": f"portal_session={staff}"}
    del client.headers["origin"]
    assert (await client.get("/staff", headers=cookie)).status_code == 200
    assert (await client.post("/auth/login", json=RIGHT)).status_code == 403
    answer = await client.post("/auth/logout", headers=cookie, data=own_form(staff))
    assert answer.status_code == 403


@pytest.mark.parametrize("given", ["", "other", "é", "x" * 20_000])
async def test_a_form_without_the_token_of_its_login_is_refused(
    client: httpx.AsyncClient, portal: Portal, given: str
) -> None:
    staff = await log_in_as(portal, await make_user(portal.db))
    fields = own_form("another session") if given == "other" else {"form_token": given}
    cookie = {"cookie": f"portal_session={staff}"}
    assert (await client.post("/auth/logout", headers=cookie, data=fields)).status_code == 403
    assert (await client.get("/staff", headers=cookie)).status_code == 200


async def test_rule_9_guards_let_only_their_own_kind_of_user_in(
    client: httpx.AsyncClient, portal: Portal, user: User, clock: Clock
) -> None:
    async def codes(token: str) -> list[int]:
        cookie = {"cookie": f"portal_session={token}"}
        return [(await client.get(p, headers=cookie)).status_code for p in ("/customer", "/staff")]

    customer = await log_in_as(portal, user)
    assert await codes(customer) == [200, 403]
    assert await codes(await log_in_as(portal, await make_user(portal.db))) == [403, 200]
    assert await codes("nonsense") == [401, 401]
    clock.forward(hours=3)
    assert await codes(customer) == [401, 401]


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("/", "/"),
        ("/pay/ABC?x=1#top", "/pay/ABC?x=1#top"),
        ("", "/"),
        ("payments", "/"),
        ("//evil.test", "/"),
        ("///evil.test", "/"),
        ("/\\evil.test", "/"),
        ("\\\\evil.test", "/"),
        ("/\t/evil.test", "/"),
        ("/\n/evil.test", "/"),
        ("https://evil.test", "/"),
        ("javascript:alert(1)", "/"),
        (" //evil.test", "/"),
    ],
)
def test_the_next_page_is_always_of_this_site(wanted: str, given: str) -> None:
    assert local_path(wanted) == given
