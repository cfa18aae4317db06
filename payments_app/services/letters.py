"""What e-mails say: every occasion in words."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from payments_app.db.mail_models import Mail
from payments_app.db.models import Payment, User
from payments_app.domain.mail import MailKind
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind
from payments_app.services import formatting, reports, wording
from payments_app.services.context import Portal
from payments_app.services.devices import device

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


def letter(portal: Portal, mail: Mail, user: User, payment: Payment | None) -> Letter:
    """Put an outbox row into words; ``payment`` is the one that it is about."""
    kind = MailKind(mail.kind)
    if payment is not None:
        return _about_payment(portal, mail, kind, user, payment)
    if kind is MailKind.LOW_BALANCE:
        return _low_balance(portal, mail, user)
    if kind is MailKind.NEW_SIGN_IN:
        return _new_sign_in(portal, mail, user)
    if kind is MailKind.STATEMENT:
        return _statement(portal, mail, user)
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
    if kind is MailKind.PAYMENT_RECEIVED and payment.kind is not PaymentKind.TOP_UP:
        subject = f"{wording.KINDS[payment.kind]}: {total}"
        opening = f"This was booked on your account: {wording.KINDS[payment.kind].lower()}."
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


def _statement(portal: Portal, mail: Mail, user: User) -> Letter:
    days = [date.fromisoformat(day) for day in (mail.data["since"], mail.data["until"]) if day]
    period = " \N{EN DASH} ".join(formatting.date_text(day, user.locale) for day in days)
    return Letter(
        subject=f"Your statement from {portal.settings.portal_name}",
        opening="The statement that you asked for is attached.",
        facts=(("Period", period),) if period else (),
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
