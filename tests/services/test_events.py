"""What staff see of webhooks, and replaying them."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import select

from payments_app.db.events import EventState
from payments_app.db.models import InboxEvent
from payments_app.db.staff_models import AuditEntry
from payments_app.domain.errors import NotAllowed, NotFound
from payments_app.domain.payment import PaymentStatus, Role
from payments_app.gateways.errors import GatewayUnavailable, InvalidSignature
from payments_app.services import events, webhooks
from payments_app.services.events import EventView
from payments_app.services.identity import Identity
from payments_app.services.secrecy import without_cards
from tests.services.conftest import Shop
from tests.support.factories import identity_of, make_user
from tests.support.gateway import webhook


async def staff(shop: Shop, role: Role = Role.FINANCE) -> Identity:
    return identity_of(await make_user(shop.portal.db, role=role))


async def come(
    shop: Shop, event_id: str, reference: str, *, forged: bool = False, proof: bool = True
) -> None:
    headers, body = webhook(event_id, reference, proof=proof)
    with suppress(InvalidSignature):
        await webhooks.receive(shop.portal, "till", headers, body + b" " * forged)


async def handle_all(shop: Shop) -> None:
    for _ in range(20):
        await webhooks.handle_due(shop.portal)
        shop.clock.forward(hours=1)


async def test_every_webhook_is_listed_with_what_it_did_and_why_not(shop: Shop) -> None:
    who = await staff(shop, Role.VIEWER)
    started = await shop.start()
    shop.till.pay(started.reference)
    await come(shop, "evt-1", started.reference)
    await come(shop, "evt-1", started.reference)
    await come(shop, "evt-2", "PSTRANGER")
    await come(shop, "evt-3", started.reference, forged=True)
    await handle_all(shop)
    page = await events.event_page(shop.portal, who, EventView())
    found = {row.state: (row.outcome, row.times, row.payment) for row in page.rows}
    assert found == {
        "handled": ("Completed the payment", "2", started.reference),
        "unmatched": ("No such payment here", "1", ""),
        "refused": ("Not genuine: till", "1", ""),
    }
    assert page.unhandled == 1


@pytest.mark.parametrize("state", EventState)
async def test_the_list_narrows_to_a_state(shop: Shop, state: EventState) -> None:
    who = await staff(shop, Role.VIEWER)
    started = await shop.start()
    await come(shop, "dead", started.reference, proof=False)
    shop.till.fault = GatewayUnavailable("down")
    await handle_all(shop)
    shop.till.fault = None
    shop.till.pay(started.reference)
    await come(shop, "handled", started.reference)
    await come(shop, "unmatched", "PSTRANGER")
    await come(shop, "refused", started.reference, forged=True)
    await handle_all(shop)
    await come(shop, "waiting", started.reference)
    page = await events.event_page(shop.portal, who, EventView(state=state))
    details = [await events.event_detail(shop.portal, who, row.id) for row in page.rows]
    assert [row.state for row in page.rows] == [state.value]
    assert details[0].event_id.startswith(state.value)


async def test_a_webhook_is_found_by_our_reference_the_gateways_and_its_own_id(shop: Shop) -> None:
    who = await staff(shop, Role.VIEWER)
    started, other = await shop.start(), await shop.start(key="key-2")
    await come(shop, "evt-1", started.reference)
    await come(shop, "evt-2", other.reference)
    await handle_all(shop)
    payment = await shop.payment(started.reference)
    for text in (started.reference, payment.gateway_reference, "evt-1", f" {started.reference} "):
        page = await events.event_page(shop.portal, who, EventView(search=text))
        assert [row.payment for row in page.rows] == [started.reference], text
    part = EventView(search=started.reference[:6])
    assert (await events.event_page(shop.portal, who, part)).rows == ()


async def test_the_list_narrows_to_days_and_a_gateway(shop: Shop) -> None:
    who = await staff(shop, Role.VIEWER)
    await come(shop, "evt-1", "P1")
    shop.clock.forward(days=1)
    await come(shop, "evt-2", "P2")
    day = shop.clock().date()
    for view, expected in (
        (EventView(since=day), ["P2"]),
        (EventView(until=day), ["P2", "P1"]),
        (EventView(until=day, since=day), ["P2"]),
        (EventView(gateway="till"), ["P2", "P1"]),
        (EventView(gateway="other"), []),
    ):
        page = await events.event_page(shop.portal, who, view)
        assert [row.reference for row in page.rows] == expected


async def test_pages_hold_each_webhook_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PAGE_SIZE", 3)
    who = await staff(shop, Role.VIEWER)
    for number in range(8):
        await come(shop, f"evt-{number}", f"P{number}")
        shop.clock.forward(seconds=number % 2)
    seen: list[str] = []
    after = None
    while True:
        page = await events.event_page(shop.portal, who, EventView(), after)
        seen += [row.reference for row in page.rows]
        after = page.older
        if after is None:
            break
    assert seen == [f"P{number}" for number in reversed(range(8))]


async def test_replaying_handles_what_was_given_up_and_twice_does_nothing_twice(
    shop: Shop,
) -> None:
    who = await staff(shop)
    started = await shop.start()
    await come(shop, "evt-1", started.reference, proof=False)
    shop.till.fault = GatewayUnavailable("down")
    await handle_all(shop)
    shop.till.fault = None
    shop.till.pay(started.reference)
    assert await events.replay(shop.portal, who) == 1
    await handle_all(shop)
    assert (await shop.payment(started.reference)).status is PaymentStatus.COMPLETED
    (row,) = (await events.event_page(shop.portal, who, EventView())).rows
    assert await events.replay(shop.portal, who) == 0
    assert await events.replay(shop.portal, who, row.id) == 1
    await handle_all(shop)
    assert await shop.balance() == 5000
    (row,) = (await events.event_page(shop.portal, who, EventView())).rows
    assert (row.state, row.outcome) == ("handled", "Changed nothing: known already")


async def test_replaying_is_audited(shop: Shop) -> None:
    who = await staff(shop)
    await come(shop, "evt-1", "PSTRANGER")
    await handle_all(shop)
    await events.replay(shop.portal, who, address="192.0.2.1")
    async with shop.portal.db.read() as session:
        (entry,) = (await session.execute(select(AuditEntry))).scalars()
    assert (entry.action, entry.actor, entry.address) == (
        "webhooks_replayed",
        who.email,
        "192.0.2.1",
    )
    assert entry.after == {"webhooks": [1]}


async def test_a_refused_webhook_is_never_replayed(shop: Shop) -> None:
    who = await staff(shop)
    await come(shop, "evt-1", "P1", forged=True)
    (row,) = (await events.event_page(shop.portal, who, EventView())).rows
    assert not (await events.event_detail(shop.portal, who, row.id)).can_replay
    with pytest.raises(NotAllowed):
        await events.replay(shop.portal, who, row.id)
    assert await events.replay(shop.portal, who) == 0
    with pytest.raises(NotFound):
        await events.replay(shop.portal, who, row.id + 1)


async def test_viewers_see_but_do_not_replay_and_customers_see_nothing(shop: Shop) -> None:
    await come(shop, "evt-1", "P1")
    viewer = await staff(shop, Role.VIEWER)
    assert (await events.event_page(shop.portal, viewer, EventView())).rows
    with pytest.raises(NotAllowed):
        await events.replay(shop.portal, viewer)
    with pytest.raises(NotAllowed):
        await events.event_page(shop.portal, shop.who, EventView())
    with pytest.raises(NotAllowed):
        await events.event_detail(shop.portal, shop.who, 1)


async def test_headers_that_prove_who_asks_are_not_shown(shop: Shop) -> None:
    who = replace(await staff(shop, Role.VIEWER))
    headers, body = webhook("evt-1", "P1")
    secrets = {"x-api-key": "k1", "cookie": "k2", "authorization": "k3", "x-access-token": "k4"}
    await webhooks.receive(shop.portal, "till", headers | secrets, body)
    detail = await events.event_detail(shop.portal, who, 1)
    shown = {header.name: header.value for header in detail.headers}
    assert not set(secrets.values()) & set(shown.values())
    assert "x-till" in shown
    assert '\n  "reference": "P1"' in detail.body


CANARY = "canary7391"
CARD = "4242424242424242"


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"data": [{"client_secret": CANARY, "Password": CANARY, "kept": "yes"}]}),
        json.dumps({"card": {"number": int(CARD), "cvc": CANARY}, "kept": "yes"}),
        json.dumps({"text": "paid with 4242 4242 4242 4242", "kept": "yes"}),
        f"kept=yes&api_key={CANARY}&card={CARD}&access_token={CANARY}",
        f"kept yes {CARD}",
    ],
)
@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE, Role.OWNER])
async def test_no_staff_see_a_secret_or_a_card_number_in_a_webhook(
    shop: Shop, role: Role, body: str
) -> None:
    headers = {"authorization": CANARY, "x-api-key": CANARY, "cookie": CANARY, "x-note": CARD}
    event = {"client_secret": CANARY, "kept": "yes"}
    async with shop.portal.db.write() as session:
        row = InboxEvent(
            gateway="till",
            event_id="evt-1",
            verified=True,
            received_at=shop.clock(),
            headers=headers,
            body=body,
            event=event,
        )
        session.add(row)
        await session.flush()
        number = row.key
    shown = repr(await events.event_detail(shop.portal, await staff(shop, role), number))
    assert CANARY not in shown
    assert CARD not in shown
    assert "4242 4242 4242" not in shown
    assert shown.count("yes") == 2


@pytest.mark.parametrize(
    "text", ["4242424242424241", "1732530000000", "P-4242424242424242", "0.4242424242424242"]
)
def test_digits_that_are_no_card_number_are_shown(text: str) -> None:
    assert without_cards(text) == text
