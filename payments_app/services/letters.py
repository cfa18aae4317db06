"""What e-mails say: every occasion in words, as text and as HTML of the same content."""

from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from payments_app.db.mail_models import Mail
from payments_app.db.models import Payment, User
from payments_app.domain.mail import MailKind
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind
from payments_app.services import formatting, reports, wording
from payments_app.services.context import Portal
from payments_app.services.devices import device
from payments_app.settings import Settings

_templates: Final = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

_FOOTER: Final = "You choose which e-mails you get under Notifications in your menu."
_SECURITY_FOOTER: Final = "This is about the security of your login, so it is always sent."


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail before it is text or HTML. ``facts`` are label and value, ``button`` is words and
    address, ``closing`` stands below it."""

    subject: str
    opening: str
    facts: tuple[tuple[str, str], ...] = ()
    button: tuple[str, str] | None = None
    closing: str = ""
    footer: str = _SECURITY_FOOTER


async def message(portal: Portal, mail: Mail) -> EmailMessage:
    """Read what an outbox row is about and put it into words."""
    async with portal.db.read() as session:
        user = await session.get_one(User, mail.user_id)
        payment = await session.get_one(Payment, mail.payment_id) if mail.payment_id else None
    return written(portal, mail, user, payment)


def written(portal: Portal, mail: Mail, user: User, payment: Payment | None) -> EmailMessage:
    """Make the e-mail of an outbox row; the same row always gives the same Message-ID.

    Headers cannot be injected: control characters are taken out, and the policy refuses line ends.
    """
    letter = _letter(portal, mail, user, payment)
    name, reader = formatting.one_line(portal.settings.portal_name), formatting.one_line(user.name)
    sent = EmailMessage(policy=SMTP)
    sent["Message-ID"] = f"<mail-{mail.key}.{mail.kind}@{_host(portal.settings)}>"
    sent["Date"] = format_datetime(mail.created_at)
    sent["From"] = Address(name, addr_spec=sender(portal.settings))
    sent["To"] = Address(reader, addr_spec=mail.recipient)
    sent["Subject"] = formatting.one_line(letter.subject)
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


def _letter(portal: Portal, mail: Mail, user: User, payment: Payment | None) -> Letter:
    kind = MailKind(mail.kind)
    if payment is not None:
        return _about_payment(portal, mail, kind, user, payment)
    if kind is MailKind.LOW_BALANCE:
        return _low_balance(portal, mail, user)
    if kind is MailKind.NEW_SIGN_IN:
        return _new_sign_in(portal, mail, user)
    link = str(mail.data["link"])
    name = portal.settings.portal_name
    if kind is MailKind.INVITATION:
        return Letter(
            subject=f"Your login for {name}",
            opening=f"You are invited to {name}. Choose a password, and your login is ready.",
            button=("Choose a password", link),
            closing="The link works once. If you did not expect this, ignore it.",
        )
    return Letter(
        subject="Choose a new password",
        opening=f"Someone, most likely you, asked for a new password for {name}.",
        button=("Choose a new password", link),
        closing="The link works once. If it was not you, ignore this: nothing has changed.",
    )


def _about_payment(
    portal: Portal, mail: Mail, kind: MailKind, user: User, payment: Payment
) -> Letter:
    total = formatting.money(Money(abs(payment.amount), payment.currency), user.locale)
    balance = formatting.money(Money(mail.data["balance"], payment.currency), user.locale)
    page = f"{portal.settings.public_url}/?payment={payment.reference}"
    subjects = {
        MailKind.PAYMENT_RECEIVED: f"Payment received: {total}",
        MailKind.PAYMENT_FAILED: f"Payment not completed: {total}",
        MailKind.REFUND: f"Refund: {total}",
    }
    openings = {
        MailKind.PAYMENT_RECEIVED: f"We received your payment of {total}. Thank you.",
        MailKind.PAYMENT_FAILED: wording.reason(payment.reason),
        MailKind.REFUND: f"{total} were given back to the means that you paid with.",
    }
    subject, opening = subjects[kind], openings[kind]
    if payment.kind is PaymentKind.CHARGEBACK:
        subject = f"Chargeback: {total}"
        opening = f"Your bank took back {total} of an earlier payment."
    method = reports.method_text(portal, payment.gateway, payment.channel, payment.method_detail)
    return Letter(
        subject=subject,
        opening=opening,
        facts=(
            ("Amount", formatting.money(Money(payment.amount, payment.currency), user.locale)),
            ("Description", payment.description or wording.KINDS[payment.kind]),
            ("Method", method),
            ("Reference", payment.reference),
            ("Date", formatting.day_and_time(payment.dated_at, user.locale, user.time_zone)),
            ("Balance", balance),
        ),
        button=("Show the payment", page),
        footer=_FOOTER,
    )


def _low_balance(portal: Portal, mail: Mail, user: User) -> Letter:
    currency = str(mail.data["currency"])
    balance = formatting.money(Money(mail.data["balance"], currency), user.locale)
    limit = formatting.money(Money(mail.data["limit"], currency), user.locale)
    return Letter(
        subject=f"Your balance is low: {balance}",
        opening=f"Your balance has fallen below the {limit} that you set.",
        facts=(("Balance", balance),),
        button=("Make a payment", f"{portal.settings.public_url}/"),
        footer=_FOOTER,
    )


def _new_sign_in(portal: Portal, mail: Mail, user: User) -> Letter:
    at = formatting.day_and_time(mail.created_at, user.locale, user.time_zone)
    return Letter(
        subject=f"New sign-in to {portal.settings.portal_name}",
        opening="Someone logged in with your password on a device that we have not seen before.",
        facts=(
            ("Time", f"{at} ({user.time_zone})"),
            ("Address", mail.data["address"] or "unknown"),
            ("Device", device(mail.data["user_agent"])),
        ),
        closing="If it was you, all is well. If not, change your password now and tell us.",
    )
