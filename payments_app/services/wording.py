"""Statuses, reasons and timelines in plain words."""

import re
from typing import Final

from payments_app.domain.languages import later
from payments_app.domain.mail import MailKind
from payments_app.domain.payment import PaymentKind, PaymentStatus, Reason
from payments_app.services.catalogues import Told, say

STATUSES: Final = Told(
    {
        PaymentStatus.PENDING: later("Pending"),
        PaymentStatus.COMPLETED: later("Completed"),
        PaymentStatus.CANCELLED: later("Cancelled"),
    }
)


def from_balance() -> str:
    """Return the method of rows that no gateway is involved in."""
    return say("From balance")


KINDS: Final = Told(
    {
        PaymentKind.TOP_UP: later("Top-up"),
        PaymentKind.CHARGE: later("Purchase"),
        PaymentKind.REFUND: later("Refund"),
        PaymentKind.CHARGEBACK: later("Chargeback"),
        PaymentKind.ADJUSTMENT: later("Adjustment"),
    }
)

RECEIPTS: Final = Told(
    {
        PaymentKind.TOP_UP: later("Receipt"),
        PaymentKind.CHARGE: later("Receipt of purchase"),
        PaymentKind.REFUND: later("Receipt of refund"),
        PaymentKind.CHARGEBACK: later("Note of chargeback"),
        PaymentKind.ADJUSTMENT: later("Note of adjustment"),
    }
)
"""Titles of the documents about a payment of each kind."""

KIND_SUMS: Final = Told(
    {
        PaymentKind.TOP_UP: later("Top-ups"),
        PaymentKind.CHARGE: later("Purchases"),
        PaymentKind.REFUND: later("Refunds"),
        PaymentKind.CHARGEBACK: later("Chargebacks"),
        PaymentKind.ADJUSTMENT: later("Adjustments"),
    }
)
"""Kinds in the plural, for their sums."""

MAIL_NAMES: Final = Told(
    {
        MailKind.PAYMENT_RECEIVED: later("Payment received"),
        MailKind.PAYMENT_FAILED: later("Payment not completed"),
        MailKind.REFUND: later("Refund or chargeback"),
        MailKind.STATEMENT: later("Statement"),
        MailKind.LOW_BALANCE: later("Low balance"),
        MailKind.NEW_SIGN_IN: later("Sign-in from a new device"),
        MailKind.INVITATION: later("Invitation"),
        MailKind.PASSWORD_RESET: later("New password"),
    }
)
"""What e-mails are about."""

MAIL_STATES: Final = Told(
    {
        "waiting": later("Waiting"),
        "sent": later("Sent"),
        "failed": later("Not sent"),
    }
)

_DECLINES: Final = Told(
    {
        "insufficient_funds": later(
            "Your bank declined the card: insufficient funds. Nothing was charged."
        ),
        "expired_card": later("Your bank declined the card: it has expired. Nothing was charged."),
        "incorrect_cvc": later(
            "Your bank declined the card: the security code is wrong. Nothing was charged."
        ),
        "invalid_cvc": later(
            "Your bank declined the card: the security code is wrong. Nothing was charged."
        ),
        "incorrect_number": later(
            "Your bank declined the card: the number is wrong. Nothing was charged."
        ),
        "invalid_number": later(
            "Your bank declined the card: the number is wrong. Nothing was charged."
        ),
        "invalid_expiry_month": later(
            "Your bank declined the card: the expiry date is wrong. Nothing was charged."
        ),
        "invalid_expiry_year": later(
            "Your bank declined the card: the expiry date is wrong. Nothing was charged."
        ),
        "authentication_required": later(
            "Your bank declined the card: it asked for a confirmation that was not given. "
            "Nothing was charged."
        ),
        "payment_intent_authentication_failure": later(
            "Your bank declined the card: the confirmation with your bank failed. "
            "Nothing was charged."
        ),
        "card_velocity_exceeded": later(
            "Your bank declined the card: its limit was reached. Nothing was charged."
        ),
        "withdrawal_count_limit_exceeded": later(
            "Your bank declined the card: its limit was reached. Nothing was charged."
        ),
        "card_not_supported": later(
            "Your bank declined the card: it does not allow this kind of payment. "
            "Nothing was charged."
        ),
        "currency_not_supported": later(
            "Your bank declined the card: it does not support this currency. Nothing was charged."
        ),
        "processing_error": later(
            "Your bank declined the card: the payment could not be processed. Nothing was charged."
        ),
    }
)
"""Codes that say something a customer can act on; others are told without a cause, and so are a
lost or stolen card and suspected fraud."""

_OTHER_CARD: Final = later("Try another card or ask your bank.")
_OTHER_WAY: Final = later("Try another way to pay or ask your bank.")
_NEXT_STEPS: Final = Told(
    {
        **dict.fromkeys(
            (
                "incorrect_cvc",
                "invalid_cvc",
                "incorrect_number",
                "invalid_number",
                "invalid_expiry_month",
                "invalid_expiry_year",
            ),
            later("Check what is printed on the card and try again."),
        ),
        **dict.fromkeys(
            ("authentication_required", "payment_intent_authentication_failure"),
            later("Try again and confirm the payment when your bank asks you to."),
        ),
    }
)

_REASONS: Final = Told[str](
    {
        Reason.FAILED: later("The payment failed. Nothing was charged."),
        Reason.EXPIRED: later("The time to pay ran out. Nothing was charged."),
        Reason.ABANDONED: later("The payment was not finished. Nothing was charged."),
        Reason.CANCELLED_BY_CUSTOMER: later("You cancelled it. Nothing was charged."),
        Reason.CANCELLED_BY_STAFF: later("We cancelled it. Nothing was charged."),
        Reason.REJECTED: later("The payment could not be started. Nothing was charged."),
        Reason.AMOUNT_MISMATCH: later(
            "Another amount arrived than asked for. We are looking into it."
        ),
        Reason.CURRENCY_MISMATCH: later(
            "Another currency arrived than asked for. We are looking into it."
        ),
        Reason.REFERENCE_MISMATCH: later(
            "The payment could not be matched. We are looking into it."
        ),
        Reason.PARTIALLY_PAID: later("Less arrived than asked for. We are looking into it."),
        Reason.OVERPAID: later("More arrived than asked for. We are looking into it."),
        Reason.REPEATED_DEPOSIT: later("A second deposit arrived. We are looking into it."),
        Reason.MORE_ARRIVED: later("More of it arrived later. We are looking into it."),
        Reason.WRONG_ASSET: later("Another coin arrived than asked for. We are looking into it."),
        Reason.PROVIDER_REVIEW: later("The payment provider is reviewing it."),
        Reason.UNKNOWN_STATUS: later("We are checking with the payment provider."),
        Reason.UNKNOWN_OUTCOME: later(
            "The payment provider does not answer. We are looking into it."
        ),
        Reason.PAGE_LOST: later("The page to pay on could not be opened. Nothing was charged."),
        Reason.AWAITING_CONFIRMATION: later("We confirm it as soon as the money has arrived."),
        Reason.REFUND_BY_HAND: later("We are sending this refund by hand."),
        Reason.MISSING_AT_GATEWAY: later(
            "The payment provider does not confirm it. We are looking into it."
        ),
        Reason.REVERSED: later("The money was taken back."),
        Reason.DISPUTED: later("The payment is disputed."),
    }
)


def reason(code: str | None) -> str:
    """Say why a payment is not Completed; nothing for no reason."""
    if not code:
        return ""
    name, _, detail = code.partition(":")
    if name != Reason.DECLINED:
        return _REASONS.get(name, "")
    return _DECLINES.get(detail) or say("The payment was declined. Nothing was charged.")


def next_step(code: str | None) -> str:
    """Say what can be done about a declined payment; nothing for other reasons."""
    name, _, detail = (code or "").partition(":")
    if name != Reason.DECLINED:
        return ""
    return _NEXT_STEPS.get(detail) or say(_OTHER_CARD if detail in _DECLINES else _OTHER_WAY)


def reasons_by_code() -> dict[str, str]:
    """Return the words of all reasons that are told apart by their detail."""
    codes = [f"{Reason.DECLINED}:{detail}" for detail in _DECLINES]
    return {code: reason(code) for code in codes}


def reasons_by_name() -> dict[str, str]:
    """Return the words of all reasons by what stands before the colon."""
    return {name.value: words for name in Reason if (words := reason(name))}


def waiting(gateway_label: str) -> str:
    """Say what a Pending payment without a reason waits for."""
    if not gateway_label:
        return say("Waiting to be booked")
    return say("Waiting for {gateway}", gateway=gateway_label)


def timeline(code: str, *, gateway: str, reason_code: str, balance: str) -> str:
    """Say one entry of a payment's timeline; nothing for what only staff need to know.

    ``gateway`` is its label, ``balance`` the formatted balance after it; either may be empty.
    """
    why = reason(reason_code)
    if code in ("declined", "noted"):
        return why
    if code in ("in_review", "mismatch"):
        return why or say("We are looking into it.")
    if code == "cancelled":
        return say("Cancelled. {reason}", reason=why) if why else say("Cancelled")
    if code == "created" and not gateway:
        return say("Booked on the account")
    if code in _WITH_BALANCE and balance:
        return say(_WITH_BALANCE[code], balance=balance)
    step = _STEPS.get(code, "")
    return say(step, gateway=gateway) if step else ""


_STEPS: Final = {
    "created": later("You chose {gateway}"),
    "sent_to_gateway": later("Sent to {gateway}"),
    "gateway_unavailable": later("{gateway} did not answer. We keep asking"),
    "customer_returned": later("You came back from {gateway}"),
    "webhook_received": later("{gateway} sent news of the payment"),
    "checked": later("We asked {gateway}"),
    "as_arrived": later("What arrived is credited"),
    "completed": later("Completed"),
    "restored": later("Found at {gateway} and written anew"),
    "late_money": later("The money arrived after all. Completed"),
    "cancel_requested": later("You asked to cancel"),
    "refund_requested": later("Refund started"),
}

_WITH_BALANCE: Final = {
    "completed": later("Completed, balance {balance}"),
    "late_money": later("The money arrived after all. Completed, balance {balance}"),
}


_CARD: Final = re.compile(r"(.+) ending (\d+)")
_TOP_UP: Final = re.compile(r"(.+) top-up")


def method(detail: str) -> str:
    """Return the means of a payment as its gateway told it; a card's is kept in English."""
    card = _CARD.fullmatch(detail)
    return say("{brand} ending {digits}", brand=card[1], digits=card[2]) if card else detail


def description(text: str | None, kind: PaymentKind) -> str:
    """Return a payment's description; those of top-ups are kept in English and said here."""
    if not text:
        return KINDS[kind]
    own = _TOP_UP.fullmatch(text) if kind is PaymentKind.TOP_UP else None
    return say("{method} top-up", method=say(own[1])) if own else text


_POOR_PASSWORDS: Final = Told(
    {
        "too_short": later("Use at least 10 characters."),
        "too_long": later("Use at most 128 characters."),
        "too_common": later("This password is easy to guess. Use several unrelated words."),
    }
)


def poor_password(code: str) -> str:
    """Return why a new password cannot be taken; codes are those of ``check_new_password``."""
    return _POOR_PASSWORDS[code]


def too_many_attempts(seconds: int) -> str:
    """Return how long to wait before the next attempt."""
    return say("Too many attempts. Try again in {seconds} s.", seconds=seconds)
