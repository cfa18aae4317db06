"""Returns prove nothing and lead only to our own pages."""

from dataclasses import replace
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from payments_app.api import returns
from payments_app.api.guards import optional_identity
from payments_app.db import ledger
from payments_app.db.models import Payment
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus
from payments_app.services import checkout
from payments_app.services.checkout import TopUp
from payments_app.services.context import Portal, install
from payments_app.services.identity import Identity
from payments_app.services.lookup import request_of
from payments_app.services.stamps import stamp
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


async def cancel_address(portal: Portal, reference: str) -> str:
    """Where the gateway was told to send a customer who gives up."""
    return (await request_of(portal, await row_of(portal, reference))).cancel_url


async def row_of(portal: Portal, reference: str) -> Payment:
    async with portal.db.read() as session:
        row = await ledger.find_payment(session, reference=reference)
    assert row is not None
    return row


async def status_after_cancel_return(
    portal: Portal, reference: str, who: Identity | None
) -> PaymentStatus:
    address = await cancel_address(portal, reference)
    async with client_for(who) as client:
        answer = await client.get(address)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/pay/{reference}")
    return (await row_of(portal, reference)).status


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


async def test_only_the_gateway_knows_the_address_that_voids_a_payment(
    till_portal: Portal,
) -> None:
    """Another site may send the customer here with the right reference, but without the proof."""
    who = await customer(till_portal)
    reference, other = await start(till_portal, who), "PREF123"
    wrong = (await cancel_address(till_portal, reference)).rpartition("/")[2][:-1] + "x"
    for proof in (wrong, stamp(till_portal.settings, other), "", "%C3%A9"):
        async with client_for(who) as client:
            answer = await client.get(f"/return/{reference}/cancelled/{proof}")
        assert answer.status_code == {"": 404, "%C3%A9": 422}.get(proof, 303)
        assert (await row_of(till_portal, reference)).status is PaymentStatus.PENDING


@settings(deadline=None)
@given(st.text(min_size=1, max_size=60))
async def test_a_return_never_leads_to_another_site(reference: str) -> None:
    async with client_for(None) as client:
        answer = await client.get(f"/return/{quote(reference, safe='', errors='replace')}")
    if answer.status_code == 307:  # the address without its slash at the end
        assert answer.headers["location"].startswith("http://portal.test/return/")
    elif answer.status_code == 303:
        assert answer.headers["location"] == f"/pay/{reference}"
        assert reference.isascii()
        assert reference.isalnum()
    else:
        assert answer.status_code in (404, 422)


async def test_a_return_may_come_as_post(till_portal: Portal) -> None:
    async with client_for(None) as client:
        answer = await client.post("/return/PREF123", data={"response": "anything"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/pay/PREF123")
