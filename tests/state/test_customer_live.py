"""Customers' open tabs: one read for all, only what changed, and nothing of anybody else's."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from payments_app.db import accounts
from payments_app.db.models import Account, Payment, User
from payments_app.db.payments import Filter
from payments_app.domain.payment import PaymentKind, PaymentStatus, Role
from payments_app.services import context, reports
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.live import Change
from payments_app.state import desks
from payments_app.state.desks import Desk
from payments_app.state.payments import OwnList, PaymentsState
from tests.support import elsewhere
from tests.support.factories import identity_of, make_account, make_payment, make_session, make_user
from tests.support.gateway import Till
from tests.support.logins import log_in_as
from tests.support.pipeline import Pipeline
from tests.support.tabs import Tabs, counted, following

STATE = PaymentsState.get_full_name()


class House:
    """One worker whose tabs show an account's payments."""

    def __init__(self, portal: Portal, account: Account, user: User, tabs: Tabs) -> None:
        self.portal = portal
        self.account = account
        self.user = user
        self.tabs = tabs

    async def who(self, user: User | None = None, **changes: Any) -> Identity:
        """Log a customer of the account in."""
        user = user or self.user
        login = await make_session(self.portal.db, user, last_seen_at=self.portal.clock())
        return replace(identity_of(user, self.account, login.key), **changes)

    def sit(self, token: str, who: Identity, **narrowed: Any) -> Desk:
        """Open the payments page in a tab."""
        desk = Desk(OwnList(who, Filter(who.own_account(), **narrowed)), STATE, turn=1)
        self.tabs.open(token)
        desks.open_desk(token, desk)
        return desk

    async def pay(self, **columns: Any) -> Payment:
        return await make_payment(self.portal.db, self.account, **columns)

    async def complete(self, payment: Payment) -> None:
        await elsewhere.complete(self.portal, payment)


@pytest.fixture
async def house(portal: Portal) -> AsyncIterator[House]:
    portal = replace(portal, gateways={"till": Till()})
    context.install(portal)
    account = await make_account(portal.db)
    tabs = Tabs()
    async with following(portal, tabs):
        yield House(portal, account, await make_user(portal.db, account), tabs)


def balances(patch: dict[str, Any]) -> list[tuple[str, str]]:
    return [(line["amount"], line["pending"]) for line in patch["balances"]]


async def test_a_change_reaches_every_tab_as_the_row_and_the_balance_alone(house: House) -> None:
    long = {"description": "Outbound minutes, week 48, and a number in Manila", "gateway": "till"}
    first, second = await house.pay(**long), await house.pay(**long)
    who = await house.who()
    for number in range(3):
        house.sit(f"tab{number}", who)
    await house.complete(first)
    await house.tabs.until(3)
    # A second one on the heels of the first brings it along.
    await house.complete(second)
    await house.tabs.until(6)
    assert house.tabs.largest() <= 1024
    for number in range(3):
        one, two = house.tabs.patches(f"tab{number}")
        assert [(c["n"], c["match"], c["row"]["status"]) for c in one["changes"]] == [
            (1, True, "completed")
        ]
        assert (two["last"], two["changes"][-1]["row"]["id"]) == (2, second.key)
        assert balances(one) == [("$25.00", "+ $25.00")]
        assert balances(two) == [("$50.00", "")]
        assert two["changes"][-1]["row"]["balance"] == "$50.00"


@pytest.mark.parametrize("tabs", [1, 200])
async def test_two_hundred_tabs_cost_as_many_reads_as_one(house: House, tabs: int) -> None:
    payment, who = await house.pay(), await house.who()
    for number in range(tabs):
        house.sit(f"tab{number}", who)
    with counted(house.portal.db) as statements:
        await house.portal.feed.publish(Change(payment.key, payment.account_id))
        await house.tabs.until(tabs)
    read = [statement for statement in statements if statement.startswith("SELECT")]
    assert len(read) == 4, "the payment, the logins, the balances, and what it left"


async def test_a_change_is_written_once_for_all_who_read_alike(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    row_of = reports.row_of

    def note(portal: Portal, who: Identity, *rest: Any) -> reports.Row:
        written.append((who.locale, who.time_zone))
        return row_of(portal, who, *rest)

    monkeypatch.setattr(reports, "row_of", note)
    payment = await house.pay(created_at=house.portal.clock())
    english = await house.who(locale="en", time_zone="UTC")
    french = replace(english, locale="fr", time_zone="Europe/Paris")
    manila = replace(english, time_zone="Asia/Manila")
    for number in range(10):
        for name, who in (("en", english), ("fr", french), ("manila", manila)):
            house.sit(f"{name}{number}", who)
    await house.complete(payment)
    await house.tabs.until(30)
    assert sorted(written) == [("en", "Asia/Manila"), ("en", "UTC"), ("fr", "Europe/Paris")]
    rows = {name: house.tabs.patches(f"{name}9")[0]["changes"][0]["row"] for name in ("en", "fr")}
    manila_row = house.tabs.patches("manila9")[0]["changes"][0]["row"]
    assert (rows["en"]["status_label"], rows["fr"]["status_label"]) == ("Completed", "Effectué")
    assert (rows["en"]["total"], rows["fr"]["total"]) == ("$25.00", "25,00\u00a0$US")
    assert rows["en"]["date"] != manila_row["date"]
    assert balances(house.tabs.patches("fr0")[0]) == [("25,00\u00a0$US", "")]


async def test_filters_are_respected_both_ways(house: House) -> None:
    payment, who = await house.pay(description="DID Pack", gateway="till"), await house.who()
    house.sit("leaves", who, status=PaymentStatus.PENDING)
    house.sit("comes", who, status=PaymentStatus.COMPLETED)
    house.sit("other method", who, gateway="")
    house.sit("other text", who, search="minutes")
    house.sit("its text", who, search="did p")
    house.sit("its days", who, since=payment.created_at)
    house.sit("days before", who, until=payment.created_at)
    await house.complete(payment)
    await house.tabs.until(7)
    matched = {
        token
        for token in house.tabs.token_to_sid
        if house.tabs.patches(token)[0]["changes"][0]["match"]
    }
    assert matched == {"comes", "its text", "its days"}
    # The balance is right whatever the list is narrowed to.
    assert {str(balances(patch)) for patch in house.tabs.patches()} == {"[('$25.00', '')]"}


async def test_rule_9_other_accounts_are_sent_nothing(house: House) -> None:
    other = await make_account(house.portal.db)
    spy = await make_user(house.portal.db, other)
    login = await make_session(house.portal.db, spy, last_seen_at=house.portal.clock())
    house.sit("spy", identity_of(spy, other, login.key))
    house.sit("own", await house.who())
    await house.complete(await house.pay())
    await house.tabs.until(1)
    # A login of one account lets nobody see another's, whatever a tab claims to show.
    house.sit("liar", replace(identity_of(spy, other, login.key), account_id=house.account.key))
    await house.complete(await house.pay())
    await house.tabs.until(2)
    assert {token for token, _ in house.tabs.sent} == {"own"}


@pytest.mark.parametrize("end", ["log out", "disable", "close", "idle", "expire"])
async def test_whose_login_has_ended_is_sent_nothing(house: House, end: str) -> None:
    now, db = house.portal.clock(), house.portal.db
    leaver = await make_user(db, house.account, disabled_at=now if end == "disable" else None)
    columns = {
        "log out": {"revoked_at": now},
        "idle": {"last_seen_at": now.replace(year=2020)},
        "expire": {"expires_at": now},
    }.get(end, {})
    login = await make_session(db, leaver, **({"last_seen_at": now} | columns))
    account = house.account
    if end == "close":
        account = await make_account(db, disabled_at=now)
        leaver = await make_user(db, account)
        login = await make_session(db, leaver, last_seen_at=now)
    house.sit("out", identity_of(leaver, account, login.key))
    house.sit("in", await house.who())
    await house.complete(await make_payment(db, account))
    await house.complete(await house.pay())
    await house.tabs.until(1)
    assert {token for token, _ in house.tabs.sent} == {"in"}
    assert "out" not in desks._desks


async def test_staff_see_what_the_customer_sees_until_they_leave_the_account(house: House) -> None:
    viewer = await make_user(house.portal.db, role=Role.VIEWER)
    who = await house.who(viewer, role=Role.CUSTOMER, read_only=True)
    async with house.portal.db.write() as session:
        await accounts.set_view(session, who.session_id, house.account.key)
    house.sit("viewer", who)
    await house.complete(await house.pay())
    await house.tabs.until(1)
    async with house.portal.db.write() as session:
        await accounts.set_view(session, who.session_id, None)
    house.sit("own", await house.who())
    await house.complete(await house.pay())
    await house.tabs.until(2)
    assert [token for token, _ in house.tabs.sent] == ["viewer", "own"]


async def test_private_text_never_leaves(house: House) -> None:
    house.sit("tab", await house.who())
    payment = await house.pay(
        kind=PaymentKind.ADJUSTMENT, private_note="owes us a favour", description="Correction"
    )
    await house.complete(payment)
    ((_, update),) = await house.tabs.until(1)
    assert "Correction" in str(update)
    assert "favour" not in str(update)


async def test_the_count_follows_where_it_changed_and_is_counted_once(house: House) -> None:
    who, nothing = await house.who(), {"range_text": "", "has_older": False}
    house.sit("narrowed", who, status=PaymentStatus.CANCELLED).told = nothing
    for number in range(20):
        house.sit(f"tab{number}", who).told = nothing
    with counted(house.portal.db) as statements:
        await house.complete(await house.pay())
        sent = await house.tabs.until(21 + 20)
    told = [update.delta[STATE] for token, update in sent if "range_text_rx_state_" in str(update)]
    assert len(told) == 20
    assert told[0]["range_text_rx_state_"] == "1 to 1 of 1"
    counted_of, with_the_change = 2, 1
    totals = [statement for statement in statements if "FROM payment_total" in statement]
    assert len(totals) == counted_of + with_the_change


async def test_the_servers_own_copy_is_neither_changed_nor_sent_again(
    house: House, pipeline: Pipeline
) -> None:
    """What a tab was sent stays right through its later events, and the next page is the next."""
    for _ in range(50):
        await house.pay(completed=True)
    session = await log_in_as(house.portal, house.user)

    async def send(event: Any) -> Any:
        await pipeline.send(event, session=session, path="/")
        return await pipeline.state(PaymentsState)

    house.tabs.open("tab")
    await send(PaymentsState.load())
    newest = await house.pay(created_at=house.portal.clock())
    await house.complete(newest)
    await house.tabs.until(1)
    pipeline.deltas.clear()
    await send(PaymentsState.choose_period("custom"))
    assert not any(name in pipeline.said() for name in ("rows", "balances", "patch", "range_text"))
    # The new row has pushed the last one off the page: it opens the next.
    told = await house.tabs.until_told("range_text")
    assert told == {"range_text_rx_state_": "1 to 50 of 51", "has_older_rx_state_": True}
    state = await send(PaymentsState.go_older())
    assert (state.range_text, len(state.rows)) == ("51 to 51 of 51", 1)
    assert state.balances[0].amount == "$1,275.00"


async def test_a_tab_is_told_of_what_comes_after_its_page_was_read(
    house: House, pipeline: Pipeline
) -> None:
    session = await log_in_as(house.portal, house.user)
    house.tabs.open("tab")
    await pipeline.send(PaymentsState.load(), session=session, path="/")
    payment = await house.pay(gateway="till")
    await house.complete(payment)
    await house.tabs.until(1)
    (patch,) = house.tabs.patches("tab")
    state = await pipeline.state(PaymentsState)
    assert (patch["turn"], patch["changes"][0]["row"]["id"]) == (state.turn, payment.key)
    assert state.rows == []


async def test_of_very_many_changes_at_once_a_tab_reads_its_page_anew(house: House) -> None:
    desk = house.sit("tab", await house.who())
    snapshots = [await house.pay() for _ in range(30)]
    for payment in snapshots:
        await house.portal.feed.publish(Change(payment.key, payment.account_id))
    await house.tabs.until(1)
    while desk.sent < 30:
        await house.tabs.until(len(house.tabs.sent) + 1)
    last = house.tabs.patches()[-1]
    assert last["last"] == 30
    assert len(last["changes"]) <= 20


async def test_a_closed_tab_leaves_nothing_behind(house: House) -> None:
    who = await house.who()
    for number in range(20):
        house.sit(f"tab{number}", who)
    house.tabs.token_to_sid.clear()
    house.sit("open", who)
    await house.complete(await house.pay())
    await house.tabs.until(1)
    assert {token for token, _ in house.tabs.sent} == {"open"}
    assert set(desks._desks) == {"open"}
