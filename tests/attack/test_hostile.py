"""What a hostile expert tries next: routes of Reflex, ended logins, forged hosts, other paths."""

import asyncio
import re

import pytest
from reflex.constants import Endpoint

from payments_app.payments_app import app
from payments_app.services import sessions
from payments_app.services.accounts import identify
from payments_app.services.context import Portal
from payments_app.settings import Settings
from payments_app.state.payments import PaymentsState
from payments_app.state.profile import ProfileState
from tests.attack.sockets import handler, tab
from tests.attack.target import CANARY, Target
from tests.support.logins import log_in_as
from tests.support.roles import Kind


@pytest.mark.parametrize(
    "path",
    [
        "/_upload/x",
        "/_event/?EIO=4&transport=polling",
        "/openapi.json",
        "/docs",
        "/.env",
        "/portal.db",
        "/..%2fportal.db",
        "/assets/..%2f..%2f..%2fportal.db",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/return/%2F%2Fevil.test",
        "/return/x%0d%0aSet-Cookie:%20a=b",
    ],
)
async def test_nothing_lies_open_beside_the_portals_own_routes(unharmed: Target, path: str) -> None:
    async with unharmed.browser(Kind.OWNER) as http:
        for method in ("GET", "POST"):
            answer = await http.request(method, path)
            assert answer.status_code in (303, 400, 403, 404, 405), (method, path)
            assert answer.headers.get("location", "/").startswith("/pay/") or answer.is_error
            assert "set-cookie" not in answer.headers


ANSWERING = {Endpoint.PING, Endpoint.HEALTH, Endpoint.EVENT}


@pytest.mark.parametrize("endpoint", sorted(set(Endpoint) - ANSWERING, key=str), ids=str)
async def test_what_reflex_answers_and_nobody_here_needs_is_not_there(
    unharmed: Target, endpoint: Endpoint
) -> None:
    for kind in (Kind.NOBODY, Kind.OWNER):
        async with unharmed.browser(kind) as http:
            for path in (str(endpoint), f"{endpoint}/"):
                assert (await http.get(path)).status_code == 404
                assert (await http.post(path, files={"files": b"x"})).status_code in (404, 405)


def test_reflex_has_no_other_routes_than_these() -> None:
    """A later version may add some; the one without a name is the front end's files."""
    assert app._api is not None
    paths = {getattr(route, "path", "?") for route in app._api.routes}
    assert paths - {""} == {str(endpoint) for endpoint in ANSWERING}


async def test_what_reflex_says_of_its_health_names_no_part(unharmed: Target) -> None:
    async with unharmed.browser(Kind.NOBODY) as http:
        assert (await http.get("/ping")).json() == "pong"
        assert (await http.get("/_health")).json() == {"status": True}


async def test_a_forged_host_is_neither_repeated_nor_trusted(unharmed: Target) -> None:
    forged = {"Host": "evil.test", "Origin": "http://evil.test"}
    async with unharmed.browser(Kind.CUSTOMER) as http:
        assert (await http.post("/auth/logout", headers=forged)).status_code == 403
        for path in ("/", "/return/ABC", "/login", "/staff/audit", "/login?next=a%20b"):
            answer = await http.get(path, headers=forged)
            assert "evil.test" not in f"{answer.headers}{answer.text}"
        assert answer.headers["location"] == "/login/?next=a%20b"


async def test_the_slash_that_a_page_misses_leads_to_no_other_host(unharmed: Target) -> None:
    async with unharmed.browser(Kind.NOBODY) as http:
        for path in ("//evil.test/login", "//login", "/%2Flogin", "/login%0d%0aX: y"):
            answer = await http.get(f"{unharmed.portal.url}{path}")
            assert re.fullmatch(r"/login/|", answer.headers.get("location", "")), path


async def test_a_login_that_is_ended_gets_nothing_more_through_its_open_socket(
    standing: Target,
) -> None:
    settings = Settings(_env_file=None, public_url=standing.portal.url)
    portal = Portal(settings, standing.database, gateways={})
    session = await log_in_as(portal, standing.victim_user)
    who = await identify(portal, session)
    assert who is not None
    event = handler(PaymentsState, "load")
    async with tab(standing, session) as raw:
        await raw.send(event, {})
        await raw.until_heard(CANARY)
        sends = [raw.send(event, {}) for _ in range(20)]
        await asyncio.gather(sessions.sign_out(portal, who, who.session_id, ""), *sends)
        await raw.all_done()
        raw.heard.clear()
        await raw.send(event, {})
        await raw.send(handler(ProfileState, "load"), {})
        await raw.until_heard("/login")
        assert CANARY not in raw.said()
