"""An outbox row as the e-mail that is sent: headers, text, HTML of the same content, documents."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from payments_app.db.mail_models import Mail
from payments_app.db.models import Account, Payment, User
from payments_app.domain.mail import MailKind
from payments_app.domain.payment import PaymentStatus
from payments_app.services import letters, receipts, statements
from payments_app.services.catalogues import speaking
from payments_app.services.context import Portal
from payments_app.services.formatting import DEFAULT_LOCALE, DEFAULT_ZONE, one_line
from payments_app.services.identity import Identity
from payments_app.services.statements import Period
from payments_app.settings import Settings

_templates: Final = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


async def message(portal: Portal, mail: Mail) -> EmailMessage:
    """Read what an outbox row is about and make its e-mail, with the document that it is about."""
    async with portal.db.read() as session:
        user = await session.get_one(User, mail.user_id)
        payment = await session.get_one(Payment, mail.payment_id) if mail.payment_id else None
        account = await session.get(Account, user.account_id) if user.account_id else None
    with speaking(user.locale):
        return await _with_document(portal, mail, user, account, payment)


async def _with_document(
    portal: Portal, mail: Mail, user: User, account: Account | None, payment: Payment | None
) -> EmailMessage:
    sent = written(portal, mail, user, payment)
    if mail.kind == MailKind.STATEMENT:
        period = Period.model_validate(mail.data)
        content = await statements.statement_pdf(portal, _reader(user, account), period)
        _attach(sent, content, "statement.pdf")
    elif payment is not None and payment.status is PaymentStatus.COMPLETED:
        reader = _reader(user, account)
        content = await receipts.receipt_pdf(portal, reader, payment.reference)
        _attach(sent, content, f"receipt-{payment.reference}.pdf")
    return sent


def written(portal: Portal, mail: Mail, user: User, payment: Payment | None) -> EmailMessage:
    """Make the e-mail of an outbox row; the same row always gives the same Message-ID.

    Headers cannot be injected: control characters are taken out, and the policy refuses line ends.
    """
    letter = letters.letter(portal, mail, user, payment)
    name, reader = one_line(portal.settings.portal_name), one_line(user.name)
    sent = EmailMessage(policy=SMTP)
    sent["Message-ID"] = f"<mail-{mail.key}.{mail.kind}@{_host(portal.settings)}>"
    sent["Date"] = format_datetime(mail.created_at)
    sent["From"] = Address(name, addr_spec=sender(portal.settings))
    sent["To"] = Address(reader, addr_spec=mail.recipient)
    sent["Subject"] = one_line(letter.subject)
    sent["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notes in return
    values = {"letter": letter, "portal": name, "reader": reader}
    sent.set_content(_templates.get_template("letter.txt").render(values))
    html = _templates.get_template("letter.html").render(values)
    sent.add_alternative(html, subtype="html")
    return sent


def sender(settings: Settings) -> str:
    """Return the address that e-mails come from."""
    return settings.mail_sender or f"no-reply@{_host(settings)}"


def _host(settings: Settings) -> str:
    return urlsplit(settings.public_url).hostname or "localhost"


def _reader(user: User, account: Account | None) -> Identity:
    """Return the receiver as one who asks; no login session is behind it."""
    return Identity(
        user_id=user.key,
        session_id=0,
        email=user.email,
        name=user.name,
        role=user.role,
        time_zone=user.time_zone or DEFAULT_ZONE,
        locale=user.locale or DEFAULT_LOCALE,
        account_id=user.account_id,
        account_name=account.name if account else "",
        home_currency=account.home_currency if account else "",
    )


def _attach(sent: EmailMessage, content: bytes, name: str) -> None:
    sent.add_attachment(content, maintype="application", subtype="pdf", filename=name)
