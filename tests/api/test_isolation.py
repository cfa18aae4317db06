"""Rule 9 over HTTP: whatever a customer sends to whichever route, nothing foreign comes back."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payments_app.api.login import local_path
from payments_app.payments_app import api
from payments_app.services import context
from payments_app.services.context import Portal
from tests.support.factories import make_account, make_payment, make_user
from tests.support.logins import log_in_as
from tests.support.pdf import text_of
from tests.support.routes import routes

MARK = "Xenolith"
"""Stands in every text of the foreign account."""
READ = [route for route in routes() if "GET" in route.methods]
GUESSED = ("account", "account_id", "user_id", "reference", "payment", "id", "view", "search")
"""Names of arguments that somebody would try, whether a route has them or not."""


@dataclass
class Foreign:
    """What a customer of another account may have learned: its ids and references."""

    client: httpx.AsyncClient
    values: list[str]


@pytest.fixture
async def foreign(portal: Portal) -> AsyncIterator[Foreign]:
    context.install(portal)
    theirs = await make_account(portal.db, name=f"{MARK} Ltd")
    user = await make_user(
        portal.db, theirs, name=f"{MARK} Anne", email=f"{MARK.lower()}@example.com"
    )
    rows = [
        await make_payment(
            portal.db,
            theirs,
            completed=completed,
            user_id=user.id,
            description=f"{MARK} top-up",
            private_note=f"{MARK} note",
            gateway_reference=f"{MARK}-{completed}",
        )
        for completed in (True, False)
    ]
    own = await make_user(portal.db, await make_account(portal.db))
    transport = httpx.ASGITransport(api, raise_app_exceptions=False)
    client = httpx.AsyncClient(transport=transport, base_url="http://portal.test")
    client.headers["Cookie"] = f"portal_session={await log_in_as(portal, own)}"
    ids = [theirs.id, user.id, *(row.id for row in rows)]
    values = [str(number) for number in ids] + [row.reference for row in rows]
    async with client:
        yield Foreign(client, values)


def arguments(route: APIRoute) -> set[str]:
    """Names of what a route takes in its query."""
    found = set(GUESSED)
    for parameter in route.dependant.query_params:
        model = parameter.field_info.annotation
        found |= set(getattr(model, "model_fields", None) or {parameter.alias})
    return found


def texts(known: list[str]) -> st.SearchStrategy[str]:
    """A foreign value as it is, dressed up, or anything at all."""
    value = st.sampled_from(known)
    dress = st.sampled_from(
        ["{}", "0{}", " {}", "{} ", "+{}", "{}.pdf", "../{}", "{}' OR '1'='1", "{}%00", "{},{}"]
    )
    dressed = st.builds(lambda form, text: form.replace("{}", text), dress, value)
    return st.one_of(value, dressed, st.sampled_from(["all", "", "*", "%", "-1"]), st.text())


def content(answer: httpx.Response) -> str:
    if answer.headers.get("content-type") == "application/pdf":
        return text_of(answer.content)
    return answer.content.decode(errors="replace")


def addresses(draw: Any, known: list[str]) -> Iterator[tuple[APIRoute, str]]:
    for route in READ:
        value = texts(known)
        path = route.path
        for name in route.param_convertors:
            path = path.replace(f"{{{name}}}", quote(draw(value), safe=""))
        names = st.sampled_from(sorted(arguments(route)))
        query = draw(st.dictionaries(names, value, max_size=4))
        yield route, f"{path}?{urlencode(query, errors='replace')}"


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_rule_9_no_value_of_any_parameter_of_any_route_shows_another_account(
    foreign: Foreign, data: st.DataObject
) -> None:
    """Nor does one break a route, or make it lead to another site."""
    for route, address in addresses(data.draw, foreign.values):
        answer = await foreign.client.get(address)
        assert answer.status_code < 500, (route.path, address)
        told = content(answer) + str(answer.headers)
        assert MARK.lower() not in told.lower(), (route.path, address)
        leads_to = answer.headers.get("location", "/")
        assert local_path(leads_to) == leads_to, (route.path, address)


async def test_the_attack_above_would_find_it(portal: Portal, foreign: Foreign) -> None:
    """Staff do see the marked account by the same values: the search looks where it is."""
    staff = await make_user(portal.db)
    cookie = {"Cookie": f"portal_session={await log_in_as(portal, staff)}"}
    seen = [
        await foreign.client.get(f"/receipts/{foreign.values[4]}.pdf", headers=cookie),
        await foreign.client.get(
            f"/statements/statement.pdf?account={foreign.values[0]}", headers=cookie
        ),
        await foreign.client.get("/staff/exports/payments.csv", headers=cookie),
    ]
    assert all(MARK in content(answer) for answer in seen)
