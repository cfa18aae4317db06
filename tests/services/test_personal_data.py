"""Personal data: whole in the export, gone after erasure, while books and audit log still hold."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyotp
import pytest
from sqlalchemy import LargeBinary, func, select, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import col

from payments_app.db import schema
from payments_app.db.access_models import Purpose
from payments_app.db.models import User
from payments_app.db.personal import PERSONAL
from payments_app.db.staff_models import AuditEntry
from payments_app.domain.errors import InvalidRequest, NotAllowed, NotFound
from payments_app.domain.mail import MailKind
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind, PaymentStatus, Role
from payments_app.services import (
    accounts,
    audit,
    audit_log,
    checkout,
    credentials,
    directory,
    events,
    invariants,
    mail_choices,
    mailroom,
    manual,
    personal_data,
    second_factor,
    second_person,
    staff_detail,
    staff_exports,
    staff_refunds,
    users,
    webhooks,
)
from payments_app.services.audit import Actor
from payments_app.services.audit_log import Search
from payments_app.services.context import Portal
from payments_app.services.directory import NewAccount
from payments_app.services.events import EventView
from payments_app.services.identity import Identity
from payments_app.services.mail_choices import Choices
from payments_app.services.mailroom import MailView
from payments_app.services.manual import Entry
from payments_app.services.review import Decision
from payments_app.services.staff_refunds import RefundOrder
from payments_app.services.staff_view import StaffView
from payments_app.services.users import NewUser
from tests.services.conftest import Shop
from tests.support.factories import identity_of, make_account, make_payment, make_user
from tests.support.gateway import sign
from tests.support.logins import log_in_as
from tests.support.tampering import tamper

NEEDLES = ("quill", "203.0.113.77", "ending 7731")
"""What stands for Zoe Quillfeather, her address and her card in every text of this file."""
HASHED = {"email_link", "recovery_code", "mail_choice"}
"""Tables that name nobody in readable words."""


@dataclass
class Story:
    """An account that did everything that leaves data about its user Zoe."""

    shop: Shop
    portal: Portal
    account: int
    zoe: Identity
    owner: Identity
    second: Identity
    token: str


@pytest.fixture
async def story(shop: Shop) -> Story:
    """Let Zoe and the staff do all that leaves something readable about her."""
    limits = {"second_person_above": {"USD": "10.00"}}
    portal = replace(shop.portal, settings=shop.portal.settings.model_copy(update=limits))
    owner, second = [identity_of(await make_user(portal.db)) for _ in range(2)]
    new = NewAccount(name="Quillfeather Ltd", home_currency="USD")
    number = await directory.create(portal, owner, new, "")
    invited = NewUser(name="Zoe Quillfeather", email="zoe@quillfeather.test")
    link = await users.add(portal, owner, invited, Role.CUSTOMER, number, "")
    chosen = "a long walk in the hills"
    await credentials.choose_password(
        portal, link.rpartition("/")[2], Purpose.INVITATION, chosen, "203.0.113.77"
    )
    async with portal.db.read() as session:
        query = select(User).where(col(User.account_id) == number)
        user = (await session.execute(query)).scalar_one()
    await accounts.log_in(portal, user.email, "wrong", "203.0.113.77", "QuillBrowser/1")
    token = await log_in_as(portal, user, address="203.0.113.77", user_agent="QuillBrowser/1")
    zoe = await accounts.identify(portal, token)
    assert zoe is not None
    await credentials.request_reset(portal, user.email, "203.0.113.77")
    secret = second_factor.enrol(portal, zoe).secret
    code = pyotp.TOTP(secret).at(portal.clock())
    await second_factor.turn_on(portal, zoe, chosen, secret, code, "203.0.113.77")
    await mail_choices.save(portal, zoe, Choices(frozenset(MailKind), Money(500, "USD")))
    story = Story(shop, portal, number, zoe, owner, second, token)
    await _money(story)
    await directory.add_note(portal, owner, number, "Zoe Quill calls on Mondays", "")
    return story


async def _money(story: Story) -> None:
    """A top-up with its webhook, two refunds that a second person decides, and a charge by hand."""
    portal, shop = story.portal, story.shop
    order = checkout.TopUp("till", Money(5000, "USD"), "key")
    reference = (await checkout.start(portal, story.zoe, order)).reference
    shop.till.set(reference, status=PaymentStatus.COMPLETED, method_detail="Visa ending 7731")
    body = json.dumps({"id": "evt", "reference": reference, "proof": True, "city": "Quillham"})
    headers = {"x-till": sign(body.encode()), "x-forwarded-for": "203.0.113.77"}
    await webhooks.receive(portal, "till", headers, body.encode())
    await webhooks.handle_due(portal)
    decision = Decision(story.owner, reference, "Ms Quill asked for it")
    for key in ("agreed", "declined"):
        await staff_refunds.ask_for_refund(portal, RefundOrder(decision, Money(1500, "USD"), key))
    await second_person.agree(portal, story.second, 1)
    await second_person.decline(portal, story.second, 2, "Ms Quill changed her mind")
    charge, completed = PaymentKind.CHARGE, PaymentStatus.COMPLETED
    words = "SIM for Quill # Quill pays late"
    entry = Entry(story.account, words, -700, "USD", charge, completed, "by hand")
    await manual.add(portal, story.owner, entry)


async def tables(portal: Portal) -> dict[str, str]:
    """All that is in each table, as one text each."""
    found = {}
    async with portal.db.read() as session:
        for name, table in schema.METADATA.tables.items():
            rows = (await session.execute(select(table))).all()
            found[name] = "\n".join(str(tuple(row)) for row in rows).lower()
    return found


def naming(texts: dict[str, str]) -> set[str]:
    """The texts in which one of the needles stands."""
    return {name for name, found in texts.items() if any(each in found for each in NEEDLES)}


async def outputs(story: Story) -> dict[str, str]:
    """What every page, list and file shows of the account, as text."""
    portal, who = story.portal, story.owner
    found: dict[str, Any] = {
        "profile": await directory.profile(portal, who, story.account),
        "accounts": await directory.list_page(portal, who, "", None),
        "users": await users.users_of(portal, who, story.account),
        "mail": await mailroom.mail_page(portal, who, MailView()),
        "audit": await audit_log.list_page(portal, who, Search(), None),
        "events": await events.event_page(portal, who, EventView()),
        "event": await events.event_detail(portal, who, 1),
    }
    pieces = staff_exports.csv_pieces(portal, who, StaffView())
    found["payments.csv"] = b"".join([piece async for piece in pieces]).decode()
    found["audit.csv"] = "".join([piece async for piece in audit_log.csv_pieces(portal, who)])
    found["export"] = await exported(story)
    for row in found["profile"].payments:
        found[row.reference] = await staff_detail.detail(portal, who, row.reference)
    return {name: str(shown).lower() for name, shown in found.items()}


async def exported(story: Story) -> str:
    pieces = await personal_data.export(story.portal, story.owner, story.account, "")
    return "".join([piece async for piece in pieces])


async def money(portal: Portal) -> list[Any]:
    """What the books say, to the minor unit."""
    columns = "reference, kind, status, amount, currency, charge_amount, fee, gateway_reference"
    async with portal.db.read() as session:
        payments = await session.execute(text(f"select {columns} from payment order by id"))
        balances = await session.execute(text("select * from balance"))
        return [*map(tuple, payments), *map(tuple, balances)]


async def erase(story: Story) -> None:
    await personal_data.erase(story.portal, story.owner, story.account, "")


async def test_the_export_holds_what_every_table_knows(story: Story) -> None:
    data = json.loads(await exported(story))["data"]
    assert list(data) == [kept.table.__tablename__ for kept in PERSONAL]
    assert all(table["rows"] and table["why"] for table in data.values())
    named = {name for name, table in data.items() if naming({name: str(table["rows"]).lower()})}
    assert named == set(data) - HASHED
    (user,) = data["app_user"]["rows"]
    assert user["email"] == "zoe@quillfeather.test"
    assert not {"password_hash", "totp_secret"} & set(user)
    assert "token_hash" not in data["login_session"]["rows"][0]


async def test_after_erasure_nothing_names_the_person_and_the_books_are_the_same(
    story: Story,
) -> None:
    before = await tables(story.portal)
    assert naming(before) == {str(kept.table.__tablename__) for kept in PERSONAL} - HASHED
    assert naming(await outputs(story))
    books = await money(story.portal)
    await erase(story)
    assert naming(await tables(story.portal)) == set()
    assert naming(await outputs(story)) == set()
    assert await money(story.portal) == books
    assert await invariants.breaches(story.portal.db) == []
    await invariants.report_full(story.portal)
    assert "wrong" not in (await tables(story.portal))["alert"]
    assert await audit.first_broken(story.portal.db) is None
    assert await accounts.identify(story.portal, story.token) is None
    if story.portal.db.is_sqlite:
        assert _in_files(story.portal) == set()


def _in_files(portal: Portal) -> set[str]:
    """The needles that stand in the database's files, also where a row was deleted."""
    path = Path(portal.db.engine.url.database or "")
    files = [path, path.with_name(f"{path.name}-wal")]
    content = b"".join(file.read_bytes() for file in files if file.exists()).lower()
    assert b"erased-" in content
    return {needle for needle in NEEDLES if needle.encode() in content}


async def test_other_accounts_and_the_staff_keep_theirs(story: Story) -> None:
    other = await make_account(story.portal.db, name="Other Ltd")
    ada = await make_user(story.portal.db, other, name="Ada")
    await make_payment(
        story.portal.db, other, completed=True, private_note="a gift", description="By hand"
    )
    await directory.add_note(story.portal, story.owner, other.key, "Likes tea", "192.0.2.9")
    await erase(story)
    found = await tables(story.portal)
    assert "other ltd" in found["account"]
    assert ada.email in found["app_user"]
    assert "a gift" in found["payment"]
    assert "by hand" in found["payment"]
    assert "likes tea" in found["account_note"]
    assert "192.0.2.9" in found["audit_entry"]
    assert story.owner.email in found["audit_entry"]


async def test_erasing_is_written_down_and_happens_once(story: Story) -> None:
    await erase(story)
    await erase(story)
    async with story.portal.db.read() as session:
        told = (
            await session.execute(select(AuditEntry).where(col(AuditEntry.action) == audit.ERASED))
        ).scalar_one()
        blanked = select(func.count()).where(col(AuditEntry.erased_by) == told.id)
        assert (await session.execute(blanked)).scalar_one() == told.after["audit_rows"] > 5
    assert (told.actor, told.subject) == (story.owner.email, f"account:{story.account}")


async def test_an_erased_account_stays_closed(story: Story) -> None:
    await erase(story)
    with pytest.raises(NotAllowed):
        await directory.set_disabled(story.portal, story.owner, story.account, False, "")
    (row,) = await users.users_of(story.portal, story.owner, story.account)
    with pytest.raises(NotAllowed):
        await users.set_disabled(story.portal, story.owner, row.id, False, "")
    with pytest.raises(NotAllowed):
        await users.add(
            story.portal,
            story.owner,
            NewUser(name="New", email="new@example.com"),
            Role.CUSTOMER,
            story.account,
            "",
        )


async def test_money_in_motion_is_finished_before_erasing(story: Story) -> None:
    order = checkout.TopUp("till", Money(700, "USD"), "open")
    reference = (await checkout.start(story.portal, story.zoe, order)).reference
    with pytest.raises(InvalidRequest, match="in_motion"):
        await erase(story)
    story.shop.till.set(reference, status=PaymentStatus.CANCELLED)
    await checkout.check(story.portal, story.zoe, reference)
    await erase(story)


async def test_an_approval_that_waits_is_decided_before_erasing(story: Story) -> None:
    charge, completed = PaymentKind.CHARGE, PaymentStatus.COMPLETED
    entry = Entry(story.account, "Quill", -2000, "USD", charge, completed, "large")
    assert await manual.add(story.portal, story.owner, entry) is None
    with pytest.raises(InvalidRequest, match="in_motion"):
        await erase(story)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
async def test_only_owners_export_and_erase(shop: Shop, role: Role) -> None:
    account = shop.who.own_account()
    for who in (identity_of(await make_user(shop.portal.db, role=role)), shop.who):
        with pytest.raises(NotAllowed):
            await personal_data.export(shop.portal, who, account, "")
        with pytest.raises(NotAllowed):
            await personal_data.erase(shop.portal, who, account, "")


async def test_an_account_that_is_not_there_is_said(shop: Shop) -> None:
    owner = identity_of(await make_user(shop.portal.db))
    with pytest.raises(NotFound):
        await personal_data.export(shop.portal, owner, 999, "")
    with pytest.raises(NotFound):
        await personal_data.erase(shop.portal, owner, 999, "")


@pytest.fixture
async def erased(shop: Shop) -> Portal:
    """A log of the erased customer's two rows, of staff's own, and of the erasure."""
    owner = identity_of(await make_user(shop.portal.db))
    for who in (shop.who, owner, shop.who):
        async with shop.portal.db.write() as session:
            actor = Actor.of(who, "203.0.113.77")
            await audit.record(session, shop.clock(), actor, "logged_in", who.subject)
    await personal_data.erase(shop.portal, owner, shop.who.own_account(), "")
    assert await audit.first_broken(shop.portal.db) is None
    return shop.portal


BLANK = "actor = '', address = '', before = '{}', after = '{}', salt = null"


@pytest.mark.parametrize(
    "statement",
    [
        f"update audit_entry set {BLANK}, erased_by = 99 where id = 2",
        f"update audit_entry set {BLANK}, erased_by = 1 where id = 2",
        f"update audit_entry set {BLANK}, erased_by = 4 where id = 2",
        "update audit_entry set action = 'other' where erased_by is not null",
        "update audit_entry set erased_by = null where erased_by is not null",
        "update audit_entry set actor = 'eve' where erased_by is not null",
    ],
)
async def test_the_log_betrays_what_was_blanked_beside_an_erasure(
    erased: Portal, statement: str
) -> None:
    await tamper(erased, statement)
    assert await audit.first_broken(erased.db) is not None


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_entry set actor = '' where erased_by is null",
        f"update audit_entry set {BLANK} where erased_by is null",
        f"update audit_entry set {BLANK}, erased_by = 1, action = 'x' where erased_by is null",
        f"update audit_entry set {BLANK}, erased_by = 1 where erased_by is not null",
        "delete from audit_entry where erased_by is not null",
    ],
)
async def test_the_database_lets_a_row_be_blanked_once_and_nothing_else(
    erased: Portal, statement: str
) -> None:
    with pytest.raises(DatabaseError, match="append-only"):
        async with erased.db.write() as session:
            await session.execute(text(statement))


NAMES_NOBODY = {
    "account": "home_currency currencies methods",
    "app_user": "role",
    "payment": "reference kind status reason currency charge_currency gateway channel"
    " gateway_reference idempotency_key",
    "timeline_entry": "code",
    "gateway_event": "gateway event_id kind reference gateway_reference outcome claimed_by fault",
    "mail": "kind about",
    "email_link": "purpose",
    "audit_entry": "action subject hash salt personal_hash",
    "approval_request": "action subject currency payment_reference",
}
"""Columns of tables with personal data that hold codes, numbers and random references only."""
TABLES_ABOUT_NOBODY = {
    *("alert", "audit_head", "balance", "failures", "gateway_minute", "gateway_override", "lease"),
    *("payment_total", "reconciliation", "reconciliation_difference", "saved_view"),
}
"""Codes, sums and hashes; of people at most the staff who acted."""


def test_every_column_with_text_is_known_to_be_personal_or_not() -> None:
    registered = {str(kept.table.__tablename__): set(kept.columns) for kept in PERSONAL}
    assert set(registered) | TABLES_ABOUT_NOBODY == set(schema.METADATA.tables)
    for name, columns in registered.items():
        table = schema.METADATA.tables[name]
        worded = {
            column.name
            for column in table.columns
            if column.type.python_type in (str, dict, bytes) or isinstance(column.type, LargeBinary)
        }
        assert worded - columns - set(NAMES_NOBODY.get(name, "").split()) == set(), name
