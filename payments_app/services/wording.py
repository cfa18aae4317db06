"""Statuses, reasons and timelines in plain words."""

from typing import Final

from payments_app.domain.mail import MailKind
from payments_app.domain.payment import PaymentKind, PaymentStatus, Reason

STATUSES: Final[dict[PaymentStatus, str]] = {
    PaymentStatus.PENDING: "Pending",
    PaymentStatus.COMPLETED: "Completed",
    PaymentStatus.CANCELLED: "Cancelled",
}

FROM_BALANCE: Final = "From balance"
"""The method of rows that no gateway is involved in."""

KINDS: Final[dict[PaymentKind, str]] = {
    PaymentKind.TOP_UP: "Top-up",
    PaymentKind.CHARGE: "Purchase",
    PaymentKind.REFUND: "Refund",
    PaymentKind.CHARGEBACK: "Chargeback",
    PaymentKind.ADJUSTMENT: "Adjustment",
}

KIND_SUMS: Final[dict[PaymentKind, str]] = {
    PaymentKind.TOP_UP: "Top-ups",
    PaymentKind.CHARGE: "Purchases",
    PaymentKind.REFUND: "Refunds",
    PaymentKind.CHARGEBACK: "Chargebacks",
    PaymentKind.ADJUSTMENT: "Adjustments",
}
"""Kinds in the plural, for their sums."""

MAIL_NAMES: Final[dict[MailKind, str]] = {
    MailKind.PAYMENT_RECEIVED: "Payment received",
    MailKind.PAYMENT_FAILED: "Payment not completed",
    MailKind.REFUND: "Refund or chargeback",
    MailKind.STATEMENT: "Statement",
    MailKind.LOW_BALANCE: "Low balance",
    MailKind.NEW_SIGN_IN: "Sign-in from a new device",
    MailKind.INVITATION: "Invitation",
    MailKind.PASSWORD_RESET: "New password",
}
"""What e-mails are about."""

MAIL_STATES: Final[dict[str, str]] = {
    "waiting": "Waiting",
    "sent": "Sent",
    "failed": "Not sent",
}

_NOTHING_CHARGED: Final = "Nothing was charged."

_DECLINES: Final[dict[str, str]] = {
    "insufficient_funds": "insufficient funds",
    "expired_card": "it has expired",
    "incorrect_cvc": "the security code is wrong",
    "invalid_cvc": "the security code is wrong",
    "incorrect_number": "the number is wrong",
    "invalid_number": "the number is wrong",
    "invalid_expiry_month": "the expiry date is wrong",
    "invalid_expiry_year": "the expiry date is wrong",
    "authentication_required": "it asked for a confirmation that was not given",
    "payment_intent_authentication_failure": "the confirmation with your bank failed",
    "card_velocity_exceeded": "its limit was reached",
    "withdrawal_count_limit_exceeded": "its limit was reached",
    "card_not_supported": "it does not allow this kind of payment",
    "currency_not_supported": "it does not support this currency",
    "processing_error": "the payment could not be processed",
}
"""Codes that say something a customer can act on; others are told without a cause, and so are a
lost or stolen card and suspected fraud."""

_REASONS: Final[dict[str, str]] = {
    Reason.FAILED: f"The payment failed. {_NOTHING_CHARGED}",
    Reason.EXPIRED: f"The time to pay ran out. {_NOTHING_CHARGED}",
    Reason.ABANDONED: f"The payment was not finished. {_NOTHING_CHARGED}",
    Reason.CANCELLED_BY_CUSTOMER: f"You cancelled it. {_NOTHING_CHARGED}",
    Reason.CANCELLED_BY_STAFF: f"We cancelled it. {_NOTHING_CHARGED}",
    Reason.REJECTED: f"The payment could not be started. {_NOTHING_CHARGED}",
    Reason.AMOUNT_MISMATCH: "Another amount arrived than asked for. We are looking into it.",
    Reason.CURRENCY_MISMATCH: "Another currency arrived than asked for. We are looking into it.",
    Reason.REFERENCE_MISMATCH: "The payment could not be matched. We are looking into it.",
    Reason.PARTIALLY_PAID: "Less arrived than asked for. We are looking into it.",
    Reason.OVERPAID: "More arrived than asked for. We are looking into it.",
    Reason.REPEATED_DEPOSIT: "A second deposit arrived. We are looking into it.",
    Reason.MORE_ARRIVED: "More of it arrived later. We are looking into it.",
    Reason.WRONG_ASSET: "Another coin arrived than asked for. We are looking into it.",
    Reason.PROVIDER_REVIEW: "The payment provider is reviewing it.",
    Reason.UNKNOWN_STATUS: "We are checking with the payment provider.",
    Reason.AWAITING_CONFIRMATION: "We confirm it as soon as the money has arrived.",
    Reason.REFUND_BY_HAND: "We are sending this refund by hand.",
    Reason.MISSING_AT_GATEWAY: "The payment provider does not confirm it. We are looking into it.",
    Reason.REVERSED: "The money was taken back.",
    Reason.DISPUTED: "The payment is disputed.",
}


def reason(code: str | None) -> str:
    """Say why a payment is not Completed; nothing for no reason."""
    if not code:
        return ""
    name, _, detail = code.partition(":")
    if name == Reason.DECLINED:
        cause = _DECLINES.get(detail)
        told = f"Your bank declined the card: {cause}." if cause else "The payment was declined."
        return f"{told} {_NOTHING_CHARGED}"
    return _REASONS.get(name, "")


def reasons_by_code() -> dict[str, str]:
    """Return the words of all reasons that are told apart by their detail."""
    codes = [f"{Reason.DECLINED}:{detail}" for detail in _DECLINES]
    return {code: reason(code) for code in codes}


def reasons_by_name() -> dict[str, str]:
    """Return the words of all reasons by what stands before the colon."""
    return {name.value: words for name in Reason if (words := reason(name))}


def waiting(gateway_label: str) -> str:
    """Say what a Pending payment without a reason waits for."""
    return f"Waiting for {gateway_label}" if gateway_label else "Waiting to be booked"


def timeline(code: str, *, gateway: str, reason_code: str, balance: str) -> str:
    """Say one entry of a payment's timeline; nothing for what only staff need to know.

    ``gateway`` is its label, ``balance`` the formatted balance after it; either may be empty.
    """
    why = reason(reason_code)
    with_balance = f", balance {balance}" if balance else ""
    sentences = {
        "created": f"You chose {gateway}" if gateway else "Booked on the account",
        "sent_to_gateway": f"Sent to {gateway}",
        "gateway_unavailable": f"{gateway} did not answer. We keep asking",
        "customer_returned": f"You came back from {gateway}",
        "webhook_received": f"{gateway} sent news of the payment",
        "checked": f"We asked {gateway}",
        "declined": why,
        "noted": why,
        "in_review": why or "We are looking into it.",
        "mismatch": why or "We are looking into it.",
        "as_arrived": "What arrived is credited",
        "completed": f"Completed{with_balance}",
        "restored": f"Found at {gateway} and written anew",
        "late_money": f"The money arrived after all. Completed{with_balance}",
        "cancelled": f"Cancelled. {why}",
        "cancel_requested": "You asked to cancel",
        "refund_requested": "Refund started",
    }
    return sentences.get(code, "").strip()


_POOR_PASSWORDS: Final[dict[str, str]] = {
    "too_short": "Use at least 10 characters.",
    "too_long": "Use at most 128 characters.",
    "too_common": "This password is easy to guess. Use several unrelated words.",
}


def poor_password(code: str) -> str:
    """Return why a new password cannot be taken; codes are those of ``check_new_password``."""
    return _POOR_PASSWORDS[code]


def too_many_attempts(seconds: int) -> str:
    """Return how long to wait before the next attempt."""
    return f"Too many attempts. Try again in {seconds} s."
