"""What e-mails say: every occasion in words."""

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from payments_app.db.mail_models import Mail
from payments_app.db.models import Payment, User
from payments_app.domain.languages import later
from payments_app.domain.mail import MailKind
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind
from payments_app.services import formatting, reports, wording
from payments_app.services.catalogues import say
from payments_app.services.context import Portal
from payments_app.services.devices import device

_FOOTER: Final = later("You choose which e-mails you get under Notifications in your menu.")
_SECURITY_FOOTER: Final = later("This is about the security of your login, so it is always sent.")


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail before it is text or HTML. ``facts`` are label and value, ``button`` is words and
    address, ``closing`` stands below it."""

    subject: str
    opening: str
    facts: tuple[tuple[str, str], ...] = ()
    button: tuple[str, str] | None = None
    closing: str = ""
    footer: str = field(default_factory=lambda: say(_SECURITY_FOOTER))


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
            subject=say("Your login for {name}", name=name),
            opening=say(
                "You are invited to {name}. Choose a password, and your login is ready.", name=name
            ),
            button=(say("Choose a password"), link),
            closing=say("The link works once. If you did not expect this, ignore it."),
        )
    return Letter(
        subject=say("Choose a new password"),
        opening=say("Someone, most likely you, asked for a new password for {name}.", name=name),
        button=(say("Choose a new password"), link),
        closing=say("The link works once. If it was not you, ignore this: nothing has changed."),
    )


def _about_payment(
    portal: Portal, mail: Mail, kind: MailKind, user: User, payment: Payment
) -> Letter:
    total = formatting.money(Money(abs(payment.amount), payment.currency), user.locale)
    balance = formatting.money(Money(mail.data["balance"], payment.currency), user.locale)
    page = f"{portal.settings.public_url}/?payment={payment.reference}"
    subjects = {
        MailKind.PAYMENT_RECEIVED: say("Payment received: {total}", total=total),
        MailKind.PAYMENT_FAILED: say("Payment not completed: {total}", total=total),
        MailKind.REFUND: say("Refund: {total}", total=total),
    }
    openings = {
        MailKind.PAYMENT_RECEIVED: say(
            "We received your payment of {total}. Thank you.", total=total
        ),
        MailKind.PAYMENT_FAILED: wording.reason(payment.reason),
        MailKind.REFUND: say(
            "{total} were given back to the means that you paid with.", total=total
        ),
    }
    subject, opening = subjects[kind], openings[kind]
    if kind is MailKind.PAYMENT_RECEIVED and payment.kind is not PaymentKind.TOP_UP:
        kind_name = wording.KINDS[payment.kind]
        subject = say("{kind}: {total}", kind=kind_name, total=total)
        opening = say("This was booked on your account: {kind}.", kind=kind_name.lower())
    if payment.kind is PaymentKind.CHARGEBACK:
        subject = say("Chargeback: {total}", total=total)
        opening = say("Your bank took back {total} of an earlier payment.", total=total)
    method = reports.method_text(portal, payment.gateway, payment.channel, payment.method_detail)
    return Letter(
        subject=subject,
        opening=opening,
        facts=(
            (say("Amount"), formatting.money(Money(payment.amount, payment.currency), user.locale)),
            (say("Description"), wording.description(payment.description, payment.kind)),
            (say("Method"), method),
            (say("Reference"), payment.reference),
            (say("Date"), formatting.day_and_time(payment.dated_at, user.locale, user.time_zone)),
            (say("Balance"), balance),
        ),
        button=(say("Show the payment"), page),
        footer=say(_FOOTER),
    )


def _statement(portal: Portal, mail: Mail, user: User) -> Letter:
    days = [date.fromisoformat(day) for day in (mail.data["since"], mail.data["until"]) if day]
    period = " \N{EN DASH} ".join(formatting.date_text(day, user.locale) for day in days)
    return Letter(
        subject=say("Your statement from {portal}", portal=portal.settings.portal_name),
        opening=say("The statement that you asked for is attached."),
        facts=((say("Period"), period),) if period else (),
        footer=say(_FOOTER),
    )


def _low_balance(portal: Portal, mail: Mail, user: User) -> Letter:
    currency = str(mail.data["currency"])
    balance = formatting.money(Money(mail.data["balance"], currency), user.locale)
    limit = formatting.money(Money(mail.data["limit"], currency), user.locale)
    return Letter(
        subject=say("Your balance is low: {balance}", balance=balance),
        opening=say("Your balance has fallen below the {limit} that you set.", limit=limit),
        facts=((say("Balance"), balance),),
        button=(say("Make a payment"), f"{portal.settings.public_url}/"),
        footer=say(_FOOTER),
    )


def _new_sign_in(portal: Portal, mail: Mail, user: User) -> Letter:
    at = formatting.day_and_time(mail.created_at, user.locale, user.time_zone)
    return Letter(
        subject=say("New sign-in to {portal}", portal=portal.settings.portal_name),
        opening=say(
            "Someone logged in with your password on a device that we have not seen before."
        ),
        facts=(
            (say("Time"), f"{at} ({user.time_zone or formatting.DEFAULT_ZONE})"),
            (say("Address"), mail.data["address"] or say("unknown")),
            (say("Device"), device(mail.data["user_agent"])),
        ),
        closing=say("If it was you, all is well. If not, change your password now and tell us."),
    )
