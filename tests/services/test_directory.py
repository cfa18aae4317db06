"""Accounts as staff see and manage them."""

from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlmodel import col

from payments_app.db.models import Account, User
from payments_app.db.staff_models import AuditEntry
from payments_app.domain.errors import AmountError, InvalidRequest, NotAllowed, NotFound
from payments_app.domain.money import Money
from payments_app.domain.payment import Role
from payments_app.services import checkout, directory, offers, users
from payments_app.services.accounts import identify
from payments_app.services.checkout import TopUp
from payments_app.services.context import Portal
from payments_app.services.directory import Limits, NewAccount
from payments_app.services.identity import Identity
from payments_app.services.users import NewUser
from tests.services.conftest import Shop
from tests.support.factories import identity_of, make_account, make_payment, make_user
from tests.support.logins import log_in_as


async def staff(portal: Portal, role: Role) -> Identity:
    return identity_of(await make_user(portal.db, role=role))


@pytest.fixture
async def owner(portal: Portal) -> Identity:
    return await staff(portal, Role.OWNER)


async def last_entry(portal: Portal) -> AuditEntry:
    async with portal.db.read() as session:
        query = select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(1)
        return (await session.execute(query)).scalar_one()


def limits(currency: str = "USD", **values: object) -> Limits:
    nothing = Money(0, currency)
    return replace(Limits(nothing, nothing, None, None), **values)


async def test_accounts_are_listed_by_name_page_by_page(
    portal: Portal, owner: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "PAGE_SIZE", 2)
    for name in ("Cloud", "Air", "Bridge", "Air", "Dome"):
        await make_account(portal.db, name=name)
    seen, after = [], None
    while True:
        page = await directory.list_page(portal, owner, "", after)
        seen += [row.name for row in page.rows]
        if (after := page.next) is None:
            break
    assert seen == ["Air", "Air", "Bridge", "Cloud", "Dome"]


async def test_a_line_shows_balances_users_and_the_last_payment(
    portal: Portal, owner: Identity
) -> None:
    account = await make_account(portal.db, name="Harbour", home_currency="GBP")
    await make_user(portal.db, account)
    await make_user(portal.db, account, disabled_at=portal.clock())
    await make_payment(portal.db, account, completed=True, currency="USD", amount=700)
    await make_payment(portal.db, account, completed=True, amount=2500)
    empty = await make_account(portal.db, name="Never")
    first, second = (await directory.list_page(portal, owner, "", None)).rows
    assert (first.id, first.balances, first.users) == (account.id, ("£25.00", "$7.00"), 1)
    assert first.last_payment.startswith("Jul 1, 2026")
    assert (second.id, second.balances, second.last_payment) == (empty.id, ("$0.00",), "")


@pytest.mark.parametrize(
    ("search", "found"), [("HARB", 1), ("priya@", 1), ("100%", 0), ("", 2), ("  harbour ", 1)]
)
async def test_accounts_are_searched_by_name_and_email(
    portal: Portal, owner: Identity, search: str, found: int
) -> None:
    account = await make_account(portal.db, name="Harbour")
    await make_account(portal.db, name="Other")
    await make_user(portal.db, account, email="priya@harbour.example")
    assert len((await directory.list_page(portal, owner, search, None)).rows) == found


async def test_an_account_shows_what_its_customer_sees(portal: Portal, owner: Identity) -> None:
    account = await make_account(portal.db, minimum_payment=500)
    payment = await make_payment(portal.db, account, completed=True)
    await make_payment(portal.db, await make_account(portal.db))
    found = await directory.profile(portal, owner, account.key)
    assert [row.reference for row in found.payments] == [payment.reference]
    assert [line.amount for line in found.balances] == ["$25.00"]
    assert found.minimum_payment == "5.00"
    with pytest.raises(NotFound):
        await directory.profile(portal, owner, 999)


async def test_an_account_is_made_and_written_down(shop: Shop) -> None:
    who = await staff(shop.portal, Role.FINANCE)
    new = NewAccount(name="  Isla Connect ", home_currency="GBP")
    number = await directory.create(shop.portal, who, new, "192.0.2.1")
    assert (await directory.profile(shop.portal, who, number)).name == "Isla Connect"
    entry = await last_entry(shop.portal)
    assert (entry.action, entry.subject) == ("account_created", f"account:{number}")
    with pytest.raises(InvalidRequest):
        await directory.create(shop.portal, who, NewAccount(name="X", home_currency="XXX"), "")


async def test_limits_bind_the_checkout_and_are_written_down(shop: Shop) -> None:
    portal, account_id = shop.portal, shop.who.own_account()
    who = await staff(portal, Role.FINANCE)

    async def set_limits(chosen: Limits) -> None:
        await directory.set_limits(portal, who, account_id, chosen, "")

    order = TopUp("till", Money(5000, "USD"), "key")
    await set_limits(limits(minimum_payment=Money(6000, "USD")))
    entry = await last_entry(portal)
    assert (entry.before["minimum_payment"], entry.after["minimum_payment"]) == ("0.00", "60.00")
    with pytest.raises(AmountError, match="below_minimum"):
        await checkout.start(portal, shop.who, order)
    await set_limits(limits(currencies=frozenset({"GBP"})))
    assert [offer.currencies for offer in await offers.offers(portal, shop.who)] == [("GBP",)]
    with pytest.raises(InvalidRequest, match="currency"):
        await checkout.start(portal, shop.who, order)
    await set_limits(limits(methods=frozenset()))
    assert await offers.offers(portal, shop.who) == ()
    with pytest.raises(InvalidRequest, match="gateway"):
        await checkout.start(portal, shop.who, order)
    await set_limits(limits())
    await checkout.start(portal, shop.who, order)


@pytest.mark.parametrize("wrong", [Money(-1, "USD"), Money(5, "GBP")])
async def test_limits_are_amounts_of_the_home_currency(
    portal: Portal, owner: Identity, wrong: Money
) -> None:
    account = await make_account(portal.db)
    with pytest.raises(InvalidRequest):
        await directory.set_limits(portal, owner, account.key, limits(debit_limit=wrong), "")


async def test_a_disabled_account_keeps_its_users_out(portal: Portal, owner: Identity) -> None:
    account = await make_account(portal.db)
    token = await log_in_as(portal, await make_user(portal.db, account))
    who = await identify(portal, token)
    assert who is not None
    told: list[str] = []

    async def listen(topic: str) -> None:
        told.append(topic)

    portal.feed.subscribe_topics(listen)
    await directory.set_disabled(portal, owner, account.key, True, "")
    assert await identify(portal, token) is None
    assert f"session:{who.session_id}" in told, "open tabs leave their pages"
    await directory.set_disabled(portal, owner, account.key, False, "")
    assert await identify(portal, token)


async def test_notes_are_kept_newest_first(portal: Portal, owner: Identity) -> None:
    account = await make_account(portal.db)
    for words in ("first", "  second "):
        await directory.add_note(portal, owner, account.key, words, "")
    found = await directory.profile(portal, owner, account.key)
    assert [(note.text, note.author) for note in found.notes] == [
        ("second", owner.name),
        ("first", owner.name),
    ]
    for words in (" ", "x" * 2001, "a\x00b"):
        with pytest.raises(InvalidRequest):
            await directory.add_note(portal, owner, account.key, words, "")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
async def test_who_may_not_is_refused_by_the_services(portal: Portal, role: Role) -> None:
    """The table of what each role may do; the gate is asked in tests/state/test_roles.py."""
    account = await make_account(portal.db)
    who, customer = await staff(portal, role), await make_user(portal.db, account)
    colleague = await make_user(portal.db)
    new = NewUser(name="New", email="new@example.com")
    for_finance = [
        directory.create(portal, who, NewAccount(name="A", home_currency="USD"), ""),
        directory.set_limits(portal, who, account.key, limits(), ""),
        directory.set_disabled(portal, who, account.key, False, ""),
        directory.add_note(portal, who, account.key, "note", ""),
        users.add(portal, who, new, Role.CUSTOMER, account.key, ""),
        users.set_disabled(portal, who, customer.key, False, ""),
    ]
    for_owners = [
        users.add(portal, who, new, Role.VIEWER, None, ""),
        users.set_disabled(portal, who, colleague.key, True, ""),
        users.set_role(portal, who, colleague.key, Role.VIEWER, ""),
        users.remove_second_factor(portal, who, colleague.key, ""),
    ]
    for attempt in for_finance:
        if role is Role.VIEWER:
            with pytest.raises(NotAllowed):
                await attempt
        else:
            attempt.close()
    for attempt in for_owners:
        with pytest.raises(NotAllowed):
            await attempt


async def user_of(portal: Portal, user: User) -> User:
    async with portal.db.read() as session:
        return await session.get_one(User, user.key)


async def test_a_user_is_invited_once_per_email(portal: Portal, owner: Identity) -> None:
    account: Account = await make_account(portal.db)
    new = NewUser(name="Ada", email=" Ada@Example.com ")
    link = await users.add(portal, owner, new, Role.CUSTOMER, account.key, "")
    assert link.startswith("http://portal.test/invite/")
    (row,) = await users.users_of(portal, owner, account.key)
    assert (row.email, row.state, row.role_label) == ("ada@example.com", "invited", "Customer")
    with pytest.raises(InvalidRequest, match="taken"):
        await users.add(portal, owner, new, Role.CUSTOMER, account.key, "")
    assert await users.invite_again(portal, owner, row.id, "") != link


async def test_staff_have_no_account_and_customers_have_one(
    portal: Portal, owner: Identity
) -> None:
    new = NewUser(name="Ada", email="ada@example.com")
    account = await make_account(portal.db)
    for role, account_id in ((Role.CUSTOMER, None), (Role.FINANCE, account.key)):
        with pytest.raises(NotAllowed):
            await users.add(portal, owner, new, role, account_id, "")
    with pytest.raises(NotFound):
        await users.add(portal, owner, new, Role.CUSTOMER, 999, "")


async def test_a_disabled_user_is_out_at_once(portal: Portal, owner: Identity) -> None:
    user = await make_user(portal.db, await make_account(portal.db))
    token = await log_in_as(portal, user)
    await users.set_disabled(portal, owner, user.key, True, "")
    assert await identify(portal, token) is None
    await users.set_disabled(portal, owner, user.key, False, "")
    assert await identify(portal, token) is None, "the session stays ended"
    assert (await user_of(portal, user)).disabled_at is None


async def test_a_role_is_changed_and_written_down(portal: Portal, owner: Identity) -> None:
    colleague = await make_user(portal.db, role=Role.VIEWER)
    await users.set_role(portal, owner, colleague.key, Role.FINANCE, "192.0.2.1")
    assert (await user_of(portal, colleague)).role is Role.FINANCE
    entry = await last_entry(portal)
    assert (entry.action, entry.before, entry.after) == (
        "user_role_changed",
        {"role": "viewer"},
        {"role": "finance"},
    )
    customer = await make_user(portal.db, await make_account(portal.db))
    with pytest.raises(NotAllowed):
        await users.set_role(portal, owner, customer.key, Role.FINANCE, "")


async def test_nobody_changes_the_own_user(portal: Portal, owner: Identity) -> None:
    for attempt in (
        users.set_disabled(portal, owner, owner.user_id, True, ""),
        users.set_role(portal, owner, owner.user_id, Role.VIEWER, ""),
    ):
        with pytest.raises(NotAllowed):
            await attempt
