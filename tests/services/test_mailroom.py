"""The outbox as staff see it."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from payments_app.db.outbox import MailState
from payments_app.db.staff_models import AuditEntry
from payments_app.domain.errors import NotAllowed, NotFound
from payments_app.domain.payment import Role
from payments_app.services import checkout, delivery, mail, mailroom
from payments_app.services.identity import Identity
from payments_app.services.mailroom import MailRow, MailView
from payments_app.settings import MailSecurity
from tests.services.conftest import Shop
from tests.support.factories import identity_of, make_user
from tests.support.smtp import MailServer, mail_server


async def staff(shop: Shop, role: Role = Role.FINANCE) -> Identity:
    return identity_of(await make_user(shop.portal.db, role=role))


async def rows(shop: Shop, who: Identity, **view: object) -> tuple[MailRow, ...]:
    asked = MailView.model_validate(view)
    return (await mailroom.mail_page(shop.portal, who, asked)).rows


async def deliver(shop: Shop, server: MailServer) -> None:
    changes = {
        "smtp_host": "localhost",
        "smtp_port": server.port,
        "smtp_security": MailSecurity.NONE,
    }
    settings = shop.portal.settings.model_copy(update=changes)
    await delivery.deliver_due(replace(shop.portal, settings=settings))


async def fill(shop: Shop, server: MailServer) -> str:
    """Leave one e-mail sent, one given up and one waiting; return the payment's reference."""
    started = await shop.start()
    shop.till.pay(started.reference)
    await checkout.check(shop.portal, shop.who, started.reference)
    await deliver(shop, server)
    for answer in ("550 no such user", "451 later"):
        user = await make_user(shop.portal.db)
        async with shop.portal.db.write() as session:
            await mail.invitation(session, shop.clock(), user, "https://portal.test/secret")
        server.answers = [answer]
        await deliver(shop, server)
    return started.reference


async def test_staff_see_each_email_what_became_of_it_and_never_its_text(shop: Shop) -> None:
    who = await staff(shop, Role.VIEWER)
    async with mail_server() as server:
        reference = await fill(shop, server)
    found = await rows(shop, who)
    assert [(row.kind, row.state, row.told, row.can_retry) for row in found] == [
        ("Invitation", "waiting", "451 later", True),
        ("Invitation", "failed", "550 no such user", True),
        ("Payment received", "sent", "taken", False),
    ]
    assert found[2].payment == reference
    assert "secret" not in str(found)


async def test_the_list_is_narrowed_by_state_receiver_or_payment(shop: Shop) -> None:
    who = await staff(shop)
    async with mail_server() as server:
        reference = await fill(shop, server)
    for state in MailState:
        assert [row.state for row in await rows(shop, who, state=state)] == [state]
    assert [r.payment for r in await rows(shop, who, search=reference.lower())] == [reference]
    assert [r.payment for r in await rows(shop, who, search=shop.who.email)] == [reference]
    assert await rows(shop, who, search="nobody") == ()


async def test_pages_follow_each_other(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    who = await staff(shop)
    async with mail_server() as server:
        await fill(shop, server)
    monkeypatch.setattr(mailroom, "PAGE_SIZE", 2)
    first = await mailroom.mail_page(shop.portal, who, MailView())
    second = await mailroom.mail_page(shop.portal, who, MailView(), first.older)
    ids = [row.id for row in (*first.rows, *second.rows)]
    assert ids == sorted(ids, reverse=True)
    assert (len(ids), second.older) == (3, None)


async def test_finance_sends_again_what_was_given_up_and_the_audit_log_says_so(shop: Shop) -> None:
    who = await staff(shop)
    async with mail_server() as server:
        await fill(shop, server)
        (failed,) = await rows(shop, who, state="failed")
        with pytest.raises(NotAllowed):
            await mailroom.retry(shop.portal, await staff(shop, Role.VIEWER), failed.id)
        await mailroom.retry(shop.portal, who, failed.id)
        await deliver(shop, server)
        assert len(server.mails) == 2
    assert await rows(shop, who, state="failed") == ()
    with pytest.raises(NotFound):
        await mailroom.retry(shop.portal, who, failed.id)
    async with shop.portal.db.read() as session:
        entry = (await session.execute(select(AuditEntry))).scalar_one()
    assert (entry.action, entry.subject) == ("mail_retried", f"mail:{failed.id}")


async def test_customers_see_nothing_of_it(shop: Shop) -> None:
    with pytest.raises(NotAllowed):
        await rows(shop, shop.who)
