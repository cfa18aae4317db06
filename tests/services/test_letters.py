"""What e-mails say, and what can never be in them."""

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments_app.db.engine import Database
from payments_app.db.mail_models import Mail
from payments_app.db.models import User
from payments_app.domain.mail import MailKind
from payments_app.domain.payment import PaymentKind, PaymentStatus, Role
from payments_app.services import envelopes
from payments_app.services.context import Portal
from payments_app.settings import Settings
from tests.support.factories import make_account, make_payment, make_user
from tests.support.pdf import text_of

WHEN = datetime(2026, 7, 1, 12, tzinfo=UTC)
DATA: dict[MailKind, dict[str, Any]] = {
    MailKind.PAYMENT_RECEIVED: {"balance": 11240},
    MailKind.PAYMENT_FAILED: {"balance": 0},
    MailKind.REFUND: {"balance": -5},
    MailKind.STATEMENT: {"since": "2026-06-01", "until": None},
    MailKind.LOW_BALANCE: {"balance": 1999, "currency": "USD", "limit": 2000},
    MailKind.NEW_SIGN_IN: {
        "address": "203.0.113.7",
        "user_agent": "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Firefox/140.0",
    },
    MailKind.INVITATION: {"link": "https://portal.test/join/a?b=1&c=2"},
    MailKind.PASSWORD_RESET: {"link": "https://portal.test/reset/a"},
}


async def write(portal: Portal, kind: MailKind, **payment: Any) -> EmailMessage:
    account = await make_account(portal.db)
    user = await make_user(portal.db, account, name="Maria Álvarez", locale="en_US")
    columns: dict[str, Any] = {"private_note": "SECRET NOTE"}
    if kind is MailKind.PAYMENT_FAILED:
        columns |= {"status": PaymentStatus.CANCELLED, "reason": "declined:expired_card"}
    row = await make_payment(portal.db, account, **(columns | payment))
    if kind is MailKind.REFUND:
        row = await make_payment(
            portal.db, account, completed=True, kind=PaymentKind.REFUND, parent_id=row.id, **columns
        )
    about_payment = kind in list(DATA)[:3]
    mail = Mail(
        kind=kind,
        user_id=user.key,
        recipient=user.email,
        about="x",
        payment_id=row.id if about_payment else None,
        data=DATA[kind],
        created_at=WHEN,
        next_attempt_at=WHEN,
    )
    async with portal.db.write() as session:
        session.add(mail)
    return await envelopes.message(portal, mail)


def parts(message: EmailMessage) -> tuple[str, str]:
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


@pytest.mark.parametrize("kind", MailKind)
async def test_every_email_is_text_and_html_of_the_same_content(
    portal: Portal, kind: MailKind
) -> None:
    message = await write(portal, kind)
    text, html = parts(message)
    for place in (text, html):
        assert "SECRET NOTE" not in place
    assert "<table" not in html
    assert "color-scheme" in html
    shown = re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL).split()
    for word in re.findall(r"[A-Za-z]{4,}", re.sub(r"\S+://\S+|<\S*", "", text)):
        assert any(word in other for other in shown) or word in ("Maria", "lvarez"), word
    assert message["Subject"]
    assert "portal.test" in message["Message-ID"]


async def test_a_payment_is_told_with_its_facts(portal: Portal) -> None:
    message = await write(portal, MailKind.PAYMENT_RECEIVED, reference="P123", amount=5000)
    text, _ = parts(message)
    assert message["Subject"] == "Payment received: $50.00"
    assert str(message["To"]).startswith("Maria Álvarez <")
    for fact in ("Amount: $50.00", "Reference: P123", "Balance: $112.40", "/?payment=P123"):
        assert fact in text


async def test_a_new_sign_in_names_device_address_and_time(portal: Portal) -> None:
    text, _ = parts(await write(portal, MailKind.NEW_SIGN_IN))
    for fact in ("Firefox on Windows", "203.0.113.7", "Jul 1, 2026", "(UTC)"):
        assert fact in text


@pytest.mark.parametrize(
    ("kind", "name", "held"),
    [
        (MailKind.PAYMENT_RECEIVED, "receipt-P123.pdf", "P123"),
        (MailKind.STATEMENT, "statement.pdf", "Jun 1, 2026 to Jul 1, 2026"),
    ],
)
async def test_the_document_is_attached(
    portal: Portal, kind: MailKind, name: str, held: str
) -> None:
    columns = {} if kind is MailKind.STATEMENT else {"completed": True}
    (attached,) = (await write(portal, kind, reference="P123", **columns)).iter_attachments()
    assert (attached.get_content_type(), attached.get_filename()) == ("application/pdf", name)
    text = text_of(attached.get_content())
    assert held in text
    assert "SECRET" not in text


async def test_a_failure_says_why_and_that_nothing_was_charged(portal: Portal) -> None:
    text, _ = parts(await write(portal, MailKind.PAYMENT_FAILED))
    assert "Your bank declined the card: it has expired. Nothing was charged." in text


async def test_what_others_wrote_is_escaped_in_html(portal: Portal) -> None:
    _, html = parts(
        await write(portal, MailKind.PAYMENT_RECEIVED, description="<script>x</script>")
    )
    assert "<script>" not in html


async def test_writing_it_again_gives_the_same_message_id(portal: Portal) -> None:
    account = await make_account(portal.db)
    user = await make_user(portal.db, account)
    mail = Mail(id=7, kind=MailKind.INVITATION, user_id=user.key, recipient=user.email, about="x",
                data=DATA[MailKind.INVITATION], created_at=WHEN)  # fmt: skip
    once, again = [await envelopes.message(portal, mail) for _ in range(2)]
    assert once["Message-ID"] == again["Message-ID"] == "<mail-7.invitation@portal.test>"
    assert once["Date"] == again["Date"]


@given(name=st.text(max_size=60), brand=st.text(max_size=60))
def test_no_name_can_add_a_header(name: str, brand: str) -> None:
    named = Settings(_env_file=None, portal_name=f"{brand}\r\nX-Evil: 1")
    portal = Portal(settings=named, db=Database("sqlite+aiosqlite://"), gateways={})
    user = User(
        email="a@example.com", name=f"{name}\r\nBcc: thief@example.com", role=Role.OWNER,
        password_hash="", created_at=WHEN,
    )  # fmt: skip
    mail = Mail(id=7, kind=MailKind.NEW_SIGN_IN, user_id=1, recipient=user.email, about="x",
                data=DATA[MailKind.NEW_SIGN_IN], created_at=WHEN)  # fmt: skip
    message = envelopes.written(portal, mail, user, None)
    head, _, _ = message.as_bytes().partition(b"\r\n\r\n")
    names = {line.split(b":")[0] for line in head.split(b"\r\n") if not line[:1].isspace()}
    assert names == {b"Message-ID", b"Date", b"From", b"To", b"Subject", b"Auto-Submitted",
                     b"MIME-Version", b"Content-Type"}  # fmt: skip
