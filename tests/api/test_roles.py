"""Each route of the portal times each kind of user, read from the app itself."""

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
from tests.support.roles import STAFF, Kind, Logins, log_in_each
from tests.support.routes import guards_of, routes

GUARDS = {
    guards.customer: frozenset({Kind.CUSTOMER, Kind.VIEWING}),
    guards.logged_in: frozenset(Kind) - {Kind.NOBODY},
    guards.ViewerIdentity.__metadata__[0].dependency: STAFF,
    guards.FinanceIdentity.__metadata__[0].dependency: frozenset({Kind.FINANCE, Kind.OWNER}),
    guards.OwnerIdentity.__metadata__[0].dependency: frozenset({Kind.OWNER}),
}
"""Whom each guard lets in."""
OPEN = {
    "/auth/login",
    "/auth/logout",
    "/auth/leave-view",
    "/auth/places",
    "/return/{reference}",
    "/return/{reference}/cancelled/{proof}",
    "/webhooks/{gateway}",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/words/{language}.json",
}
"""Routes without a guard: each says itself why. A new one has to be thought about."""


def allowed(route: APIRoute) -> frozenset[Kind]:
    kinds = frozenset(Kind)
    for guard in guards_of(route):
        kinds &= GUARDS.get(guard, kinds)
    return kinds


GUARDED = [route for route in routes() if allowed(route) != frozenset(Kind)]


@pytest.fixture
async def logins(portal: Portal) -> Logins:
    context.install(portal)
    return await log_in_each(portal)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(api, raise_app_exceptions=False)
    origin = "http://portal.test"
    async with httpx.AsyncClient(
        transport=transport, base_url=origin, headers={"Origin": origin}
    ) as client:
        yield client


def test_only_named_routes_are_open_to_strangers() -> None:
    assert {route.path for route in routes()} - {route.path for route in GUARDED} == OPEN


def test_each_staff_route_has_a_guard_for_staff() -> None:
    for route in routes():
        if route.path.startswith("/staff"):
            assert allowed(route) <= STAFF, route.path


@pytest.mark.parametrize("kind", Kind)
async def test_each_guarded_route_answers_only_its_roles(
    client: httpx.AsyncClient, logins: Logins, kind: Kind
) -> None:
    """Whoever is not let in gets 401 or 403; for the others the route itself decides."""
    for route in GUARDED:
        for method in route.methods:
            path = route.path.format_map(dict.fromkeys(route.param_convertors, "999999"))
            cookie = {"cookie": f"portal_session={logins.tokens[kind]}"}
            form = own_form(logins.tokens[kind])
            code = (await client.request(method, path, headers=cookie, data=form)).status_code
            reads = method in ("GET", "HEAD")
            if kind is Kind.NOBODY:
                assert code == 401, (method, path)
            elif kind not in allowed(route) or (kind is Kind.VIEWING and not reads):
                assert code == 403, (method, path)
            elif reads:
                assert code not in (401, 403), (method, path)


async def test_staff_view_as_customer_and_leave_over_http(
    client: httpx.AsyncClient, logins: Logins, portal: Portal
) -> None:
    token = logins.tokens[Kind.VIEWER]
    cookie, form = {"cookie": f"portal_session={token}"}, own_form(token)
    answer = await client.post(f"/auth/view-as/{logins.account_id}", headers=cookie, data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    who = await identify(portal, token)
    assert who is not None
    assert who.read_only
    assert (await client.get("/exports/payments.csv", headers=cookie)).status_code == 200
    answer = await client.post("/auth/view-as/1", headers=cookie, data=form)
    assert answer.status_code == 403
    answer = await client.post("/auth/leave-view", headers=cookie, data=form)
    assert answer.headers["location"] == f"/staff/accounts/{logins.account_id}"
    who = await identify(portal, token)
    assert who is not None
    assert who.is_staff


async def test_only_the_own_page_lets_staff_view(client: httpx.AsyncClient, logins: Logins) -> None:
    token = logins.tokens[Kind.OWNER]
    cookie, form = {"cookie": f"portal_session={token}"}, own_form(token)
    foreign = cookie | {"origin": "https://evil.test"}
    path = f"/auth/view-as/{logins.account_id}"
    assert (await client.post(path, headers=foreign, data=form)).status_code == 403
    assert (await client.post("/auth/leave-view", headers=foreign, data=form)).status_code == 403
    assert (await client.post("/auth/view-as/999", headers=cookie, data=form)).status_code == 404
