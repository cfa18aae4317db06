"""Returns prove nothing and lead only to our own pages."""

from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from payments_app.api import returns
from payments_app.api.guards import optional_identity
from payments_app.db import ledger
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus
from payments_app.services import checkout
from payments_app.services.checkout import TopUp
from payments_app.services.context import Portal, install
from payments_app.services.identity import Identity
from tests.support.factories import identity_of, make_account, make_user
from tests.support.gateway import Till


@pytest.fixture
async def till_portal(portal: Portal) -> Portal:
    """A portal with one gateway, installed for routes."""
    with_till = replace(portal, gateways={"till": Till()})
    install(with_till)
    return with_till


async def customer(portal: Portal) -> Identity:
    account = await make_account(portal.db)
    return identity_of(await make_user(portal.db, account), account)


def client_for(who: Identity | None) -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(returns.router)
    app.dependency_overrides[optional_identity] = lambda: who
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://portal.test")


async def start(portal: Portal, who: Identity) -> str:
    order = TopUp("till", Money(5000, "USD"), "key")
    return (await checkout.start(portal, who, order)).reference


async def status_after_cancel_return(
    portal: Portal, reference: str, who: Identity | None
) -> PaymentStatus:
    async with client_for(who) as client:
        answer = await client.get(f"/return/{reference}/cancelled")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/pay/{reference}")
    async with portal.db.read() as session:
        row = await ledger.find_payment(session, reference=reference)
    assert row is not None
    return row.status


async def test_a_cancel_return_of_its_own_customer_voids_the_payment(till_portal: Portal) -> None:
    who = await customer(till_portal)
    reference = await start(till_portal, who)
    status = await status_after_cancel_return(till_portal, reference, who)
    assert status is PaymentStatus.CANCELLED


async def test_rule_9_a_cancel_return_of_anyone_else_does_nothing(till_portal: Portal) -> None:
    reference = await start(till_portal, await customer(till_portal))
    for who in (await customer(till_portal), None):
        status = await status_after_cancel_return(till_portal, reference, who)
        assert status is PaymentStatus.PENDING


@given(st.text(min_size=1, max_size=60))
def test_a_return_never_leads_to_another_site(reference: str) -> None:
    location = returns._to_result_page(reference).headers["location"]
    assert location.startswith("/pay/")
    assert "//" not in location
    assert "\\" not in location


async def test_a_return_may_come_as_post(till_portal: Portal) -> None:
    async with client_for(None) as client:
        answer = await client.post("/return/PREF123", data={"response": "anything"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/pay/PREF123")
