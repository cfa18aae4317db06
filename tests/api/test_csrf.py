"""Requests that another site makes the browser send, to each route that changes something."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi.routing import APIRoute

from payments_app.api import guards
from payments_app.payments_app import api
from payments_app.services import context
from payments_app.services.accounts import identify
from payments_app.services.context import Portal
from tests.support.logins import own_form
from tests.support.roles import Kind, Logins, log_in_each
from tests.support.routes import guards_of, knows_the_asker, routes

READING = {"GET", "HEAD"}
CHANGING = [route for route in routes() if route.methods - READING]
FROM_GATEWAYS = {"/webhooks/{gateway}", "/return/{reference}"}
"""Others post here by design: neither reads the cookie."""
PROVED = {"/return/{reference}/cancelled/{proof}"}
"""Others lead here by design: what only they were told takes the place of the form's token."""
NO_LOGIN_YET = {"/auth/login", "/auth/places"}
"""Asked for on the login page, where no session has a token that a form could carry."""
OWN = [route for route in CHANGING if route.path not in FROM_GATEWAYS | PROVED]
ORIGIN = {"Origin": "http://portal.test"}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(api)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        yield client


@pytest.fixture
async def logins(portal: Portal) -> Logins:
    context.install(portal)
    return await log_in_each(portal)


async def post(
    client: httpx.AsyncClient, route: APIRoute, token: str, headers: dict[str, str], form: bool
) -> httpx.Response:
    path = route.path.format_map(dict.fromkeys(route.param_convertors, "1"))
    (method,) = route.methods
    cookie = {"Cookie": f"portal_session={token}"}
    data = own_form(token) if form else {}
    return await client.request(method, path, headers=headers | cookie, data=data)


def test_every_route_that_changes_something_checks_where_it_is_asked_from() -> None:
    for route in OWN:
        assert guards.same_origin in guards_of(route), route.path
        assert (guards.own_form in guards_of(route)) is (route.path not in NO_LOGIN_YET), route.path


def test_routes_for_gateways_take_no_cookies() -> None:
    for route in routes():
        if route.path in FROM_GATEWAYS:
            assert not knows_the_asker(route), route.path


@pytest.mark.parametrize("kind", [Kind.CUSTOMER, Kind.OWNER, Kind.VIEWING])
@pytest.mark.parametrize("route", OWN, ids=lambda route: route.path)
async def test_another_site_changes_nothing(
    client: httpx.AsyncClient, logins: Logins, portal: Portal, route: APIRoute, kind: Kind
) -> None:
    """With the cookie and even with the token; and without the token from the own site."""
    token = logins.tokens[kind]
    before = await identify(portal, token)
    attempts = [
        ({"Origin": "https://evil.test"}, True),
        ({"Origin": "http://portal.test.evil.test"}, True),
        ({"Origin": "null"}, True),
        ({"Sec-Fetch-Site": "cross-site"} | ORIGIN, True),
        ({"Sec-Fetch-Site": "same-site"} | ORIGIN, True),
        ({}, True),
    ]
    if route.path not in NO_LOGIN_YET:
        attempts.append((ORIGIN, False))
    for headers, form in attempts:
        answer = await post(client, route, token, headers, form)
        assert answer.status_code == 403, headers
        assert "set-cookie" not in answer.headers
    assert before is not None
    assert await identify(portal, token) == before


@pytest.mark.parametrize("path", ["/webhooks/card", "/return/PREF123"])
async def test_a_webhook_route_neither_reads_nor_sets_a_cookie(
    client: httpx.AsyncClient, logins: Logins, path: str
) -> None:
    answers = []
    for kind in (Kind.NOBODY, Kind.CUSTOMER, Kind.OWNER):
        cookie = {"Cookie": f"portal_session={logins.tokens[kind]}"}
        answer = await client.post(path, headers=cookie, json={})
        assert "set-cookie" not in answer.headers
        answers.append((answer.status_code, answer.content, answer.headers.get("location")))
    assert len(set(answers)) == 1
