"""Live staff lists: one read for all tabs, only what changed, and nothing left of a closed tab."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from payments_app.db.engine import Database
from payments_app.db.models import Payment
from payments_app.db.staff_payments import StaffFilter
from payments_app.domain.payment import PaymentStatus
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.live import Change
from payments_app.state import desks, live
from payments_app.state.desks import Desk
from payments_app.state.staff.payments import StaffList
from tests.support import elsewhere
from tests.support.factories import identity_of, make_account, make_payment, make_session, make_user
from tests.support.tabs import Tabs, counted, following

STATE = "staff_state"


class Floor:
    """One worker with staff at their desks."""

    def __init__(self, portal: Portal, who: Identity, tabs: Tabs) -> None:
        self.portal = portal
        self.who = who
        self.tabs = tabs

    def sit(self, token: str, chosen: StaffFilter | None = None, *shown: int) -> Desk:
        showing = StaffList(self.who, chosen or StaffFilter())
        desk = Desk(showing, STATE, 1, set(shown))
        self.tabs.open(token)
        desks.open_desk(token, desk)
        return desk

    async def complete(self, payment: Payment) -> None:
        await elsewhere.complete(self.portal, payment)


@pytest.fixture
async def floor(portal: Portal) -> AsyncIterator[Floor]:
    user = await make_user(portal.db)
    login = await make_session(portal.db, user, last_seen_at=portal.clock())
    tabs = Tabs()
    async with following(portal, tabs):
        yield Floor(portal, identity_of(user, session_id=login.key), tabs)


async def test_a_change_reaches_every_tab_as_the_changed_row_alone(floor: Floor) -> None:
    account = await make_account(floor.portal.db, name="A company with quite a long name Ltd")
    payment = await make_payment(floor.portal.db, account, description="Outbound minutes, week 48")
    for number in range(3):
        floor.sit(f"tab{number}")
    await floor.complete(payment)
    sent = await floor.tabs.until(3)
    assert {token for token, _ in sent} == {"tab0", "tab1", "tab2"}
    patch = floor.tabs.patches()[0]
    assert [(one["row"]["id"], one["row"]["status"]) for one in patch["changes"]] == [
        (payment.key, "completed")
    ]
    assert floor.tabs.largest() <= 1024


async def test_filters_are_respected_both_ways(floor: Floor) -> None:
    account = await make_account(floor.portal.db)
    payment = await make_payment(floor.portal.db, account)
    pending = StaffFilter(statuses=(PaymentStatus.PENDING,))
    floor.sit("sees it leave", pending, payment.key)
    floor.sit("never saw it", pending)
    floor.sit("sees it come", StaffFilter(statuses=(PaymentStatus.COMPLETED,)))
    floor.sit("other account", StaffFilter(accounts=(account.key + 1,)))
    await floor.complete(payment)
    await floor.tabs.until(2)
    got = {
        token: update.delta[STATE]["patch_rx_state_"]["changes"][0]["match"]
        for token, update in floor.tabs.sent
    }
    assert got == {"sees it leave": False, "sees it come": True}


@pytest.mark.parametrize("tabs", [1, 200])
async def test_two_hundred_tabs_cost_as_many_reads_as_one(floor: Floor, tabs: int) -> None:
    payment = await make_payment(floor.portal.db, await make_account(floor.portal.db))
    for number in range(tabs):
        floor.sit(f"tab{number}")
    with counted(floor.portal.db) as statements:
        await floor.portal.feed.publish(Change(payment.key, payment.account_id))
        await floor.tabs.until(tabs)
    reads = [statement for statement in statements if statement.startswith("SELECT")]
    assert len(reads) == 2, "the payment once, and once whose logins hold"


async def test_totals_and_count_follow_and_are_read_once_for_all_lists_of_a_kind(
    floor: Floor,
) -> None:
    account = await make_account(floor.portal.db)
    payment = await make_payment(floor.portal.db, account)
    for number in range(50):
        floor.sit(f"tab{number}")
    floor.sit("pending", StaffFilter(statuses=(PaymentStatus.PENDING,)), payment.key)
    with counted(floor.portal.db) as statements:
        await floor.complete(payment)
        await floor.tabs.until(2 * 51)
    sums = [statement for statement in statements if "sum(" in statement]
    assert len(sums) == 2
    told = {
        token: update.delta[STATE]
        for token, update in floor.tabs.sent
        if "figures_rx_state_" in update.delta[STATE]
    }
    assert told["tab0"]["figures_rx_state_"] == [
        {"currency": "USD", "rows": "1", "completed": "$25.00"}
    ]
    assert told["tab49"]["range_text_rx_state_"] == "1 to 1 of 1"
    assert told["pending"] == {
        "figures_rx_state_": [],
        "range_text_rx_state_": "",
        "adding_up_rx_state_": False,
    }


async def test_a_closed_tab_leaves_nothing_behind(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    listeners, tasks = len(floor.portal.feed._listeners), len(asyncio.all_tasks())
    payment = await make_payment(floor.portal.db, await make_account(floor.portal.db))
    for number in range(20):
        floor.sit(f"tab{number}")
        live.watch(f"tab{number}", lambda ids: None)
    floor.tabs.token_to_sid.clear()
    await floor.complete(payment)
    async with asyncio.timeout(10):
        while desks.accounts() or live._watchers:
            await asyncio.sleep(0.01)
    assert floor.tabs.sent == []
    assert len(floor.portal.feed._listeners) == listeners
    assert len(asyncio.all_tasks()) <= tasks


async def test_whose_login_has_ended_is_sent_nothing(floor: Floor) -> None:
    payment = await make_payment(floor.portal.db, await make_account(floor.portal.db))
    floor.sit("in")
    ended = replace(floor.who, session_id=floor.who.session_id + 1)
    floor.sit("out").showing = StaffList(ended, StaffFilter())
    await floor.complete(payment)
    assert [token for token, _ in await floor.tabs.until(1)] == ["in"]
    assert len(desks.sessions({payment.account_id})) == 1


async def test_what_another_process_changed_reaches_the_tabs(
    floor: Floor, database_url: str
) -> None:
    payment = await make_payment(floor.portal.db, await make_account(floor.portal.db))
    floor.sit("tab")
    elsewhere = Database(database_url)
    try:
        other = Portal(floor.portal.settings, elsewhere, {}, clock=floor.portal.clock)
        await Floor(other, floor.who, floor.tabs).complete(payment)
        await floor.tabs.until(1)
    finally:
        await elsewhere.close()
    assert floor.tabs.patches()[0]["changes"][0]["row"]["status"] == "completed"
