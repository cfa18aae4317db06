"""The staff's pages of accounts and users, over the whole event pipeline."""

from dataclasses import dataclass
from typing import Any

import pytest
import reflex as rx

from payments_app.db.models import Account, Payment
from payments_app.domain.payment import PaymentStatus, Role
from payments_app.services import context
from payments_app.services.accounts import identify
from payments_app.services.context import Portal
from payments_app.state.staff.account import AccountState
from payments_app.state.staff.accounts import AccountsState
from payments_app.state.staff.erasure import ErasureState
from payments_app.state.staff.users import UsersState
from tests.support.factories import make_account, make_payment, make_user
from tests.support.gateway import Till
from tests.support.logins import log_in_as
from tests.support.pipeline import Pipeline


@dataclass
class Tab:
    """A tab of a member of staff on one page."""

    pipeline: Pipeline
    portal: Portal
    session: str
    path: str

    async def send(self, event: rx.event.EventSpec) -> None:
        await self.pipeline.send(event, session=self.session, path=self.path)

    async def state(self, kind: type[rx.State]) -> Any:
        return await self.pipeline.state(kind)


@pytest.fixture
async def account(portal: Portal) -> Account:
    return await make_account(portal.db, name="Harbour", minimum_payment=500)


@pytest.fixture
async def tab(pipeline: Pipeline, portal: Portal, account: Account) -> Tab:
    portal = Portal(portal.settings, portal.db, {"till": Till()}, clock=portal.clock)
    context.install(portal)
    owner = await make_user(portal.db, role=Role.OWNER)
    return Tab(pipeline, portal, await log_in_as(portal, owner), f"/staff/accounts/{account.id}")


async def test_the_list_is_searched_and_cleared(tab: Tab) -> None:
    await make_account(tab.portal.db, name="Other")
    await tab.send(AccountsState.load())
    await tab.send(AccountsState.search("harb"))
    state = await tab.state(AccountsState)
    assert [row.name for row in state.rows] == ["Harbour"]
    await tab.send(AccountsState.clear())
    assert len((await tab.state(AccountsState)).rows) == 2


async def test_a_new_account_is_opened(tab: Tab) -> None:
    await tab.send(AccountsState.load())
    await tab.send(AccountsState.ask_for_new(True))
    await tab.send(AccountsState.create({"name": "  "}))
    assert set((await tab.state(AccountsState)).errors) == {"name"}
    await tab.send(AccountsState.choose_currency("GBP"))
    await tab.send(AccountsState.create({"name": "Isla"}))
    assert tab.pipeline.redirects()[-1].startswith("/staff/accounts/")
    await tab.send(AccountsState.refresh())
    rows = (await tab.state(AccountsState)).rows
    assert [(row.name, row.balances) for row in rows][-1] == ("Isla", ("£0.00",))


async def test_an_account_shows_and_saves_its_limits(tab: Tab, account: Account) -> None:
    await make_payment(tab.portal.db, account, completed=True)
    await tab.send(AccountState.load())
    state = await tab.state(AccountState)
    assert (state.phase, state.profile.name, state.profile.minimum_payment) == (
        "ready",
        "Harbour",
        "5.00",
    )
    assert state.currencies == ["GBP", "JPY", "USD"]
    await tab.send(AccountState.toggle_currency("JPY", False))
    await tab.send(AccountState.save_limits({"minimum_payment": "x", "debit_limit": "0"}))
    assert set((await tab.state(AccountState)).errors) == {"minimum_payment"}
    await tab.send(AccountState.save_limits({"minimum_payment": "12.50", "debit_limit": ""}))
    profile = (await tab.state(AccountState)).profile
    assert (profile.minimum_payment, profile.debit_limit) == ("12.50", "0.00")
    assert (profile.currencies, profile.methods) == (("GBP", "USD"), ())


async def test_a_note_is_added_and_a_missing_account_said(tab: Tab) -> None:
    await tab.send(AccountState.load())
    await tab.send(AccountState.add_note({"note": "Called back."}))
    (note,) = (await tab.state(AccountState)).profile.notes
    assert note.text == "Called back."
    tab.path = "/staff/accounts/999"
    await tab.send(AccountState.load())
    assert (await tab.state(AccountState)).phase == "missing"


async def test_an_account_is_disabled_after_a_question(tab: Tab) -> None:
    await tab.send(AccountState.load())
    await tab.send(AccountState.disable())
    assert not (await tab.state(AccountState)).profile.disabled
    await tab.send(AccountState.ask_to_disable(True))
    await tab.send(AccountState.disable())
    assert (await tab.state(AccountState)).profile.disabled
    await tab.send(AccountState.enable())
    assert not (await tab.state(AccountState)).profile.disabled


async def test_a_customer_is_invited_disabled_and_enabled(tab: Tab, account: Account) -> None:
    await tab.send(UsersState.load_account())
    await tab.send(UsersState.ask_for_new(True))
    await tab.send(UsersState.invite({"name": "", "email": "no address"}))
    assert set((await tab.state(UsersState)).errors) == {"name", "email"}
    await tab.send(UsersState.invite({"name": "Ada", "email": "ada@example.com"}))
    state = await tab.state(UsersState)
    assert state.link.startswith("http://portal.test/invite/")
    (row,) = state.users
    assert (row.email, row.state) == ("ada@example.com", "invited")
    await tab.send(UsersState.disable(row.id))
    assert (await tab.state(UsersState)).users[0].state == "disabled"
    await tab.send(UsersState.enable(row.id))
    assert (await tab.state(UsersState)).users[0].state == "invited"


async def test_an_owner_manages_the_team_but_not_the_own_user(tab: Tab) -> None:
    colleague = await make_user(tab.portal.db, role=Role.VIEWER)
    await tab.send(UsersState.load_team())
    await tab.send(UsersState.give_role(colleague.id, "finance"))
    state = await tab.state(UsersState)
    assert {row.id: row.role for row in state.users}[colleague.id] == "finance"
    own = next(row.id for row in state.users if row.is_self)
    await tab.send(UsersState.disable(own))
    assert (await tab.state(UsersState)).notice
    assert await identify(tab.portal, tab.session)


async def test_personal_data_is_erased_once_the_name_was_typed(tab: Tab, account: Account) -> None:
    await make_user(tab.portal.db, account, email="ada@harbour.test")
    await tab.send(AccountState.load())
    await tab.send(ErasureState.erase({"account_name": "Harbour"}))
    assert not (await tab.state(AccountState)).profile.erased
    await tab.send(ErasureState.ask_to_erase(True))
    await tab.send(ErasureState.erase({"account_name": "harbor"}))
    assert (await tab.state(ErasureState)).erasure_fault
    open_one = await make_payment(tab.portal.db, account)
    await tab.send(ErasureState.erase({"account_name": "Harbour"}))
    assert "Pending" in (await tab.state(ErasureState)).erasure_fault
    async with tab.portal.db.write() as session:
        row = await session.get_one(Payment, open_one.id)
        row.status, row.reason = PaymentStatus.CANCELLED, "abandoned"
    await tab.send(ErasureState.erase({"account_name": " Harbour "}))
    profile = (await tab.state(AccountState)).profile
    assert (profile.erased, profile.disabled) == (True, True)
    assert profile.name == f"Erased {account.id}"
