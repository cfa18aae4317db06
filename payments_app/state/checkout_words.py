"""What the checkout says: amounts, faults of what was typed, and how a payment ended."""

from typing import Final

from babel.numbers import get_currency_symbol

from payments_app.domain.errors import AmountError, InvalidRequest
from payments_app.domain.money import Money, exponent, parse_amount
from payments_app.domain.payment import PaymentStatus, Reason
from payments_app.services.checkout import Progress
from payments_app.services.formatting import decimal_mark, group_mark, locale_of, money

NOTHING_CHARGED: Final = "Nothing was charged."

_DECLINES: Final = {
    "insufficient_funds": "insufficient funds",
    "expired_card": "the card has expired",
    "incorrect_cvc": "the security code is wrong",
    "invalid_cvc": "the security code is wrong",
    "incorrect_number": "the card number is wrong",
    "processing_error": "an error on the bank's side",
    "authentication_required": "you were not authenticated",
    "payment_intent_authentication_failure": "you were not authenticated",
}

_ENDINGS: Final[dict[str, str]] = {
    Reason.FAILED: "The payment did not go through. Nothing was charged.",
    Reason.EXPIRED: "The time to pay ran out. Nothing was charged.",
    Reason.ABANDONED: "The payment was not finished. Nothing was charged.",
    Reason.CANCELLED_BY_CUSTOMER: "You cancelled this payment. Nothing was charged.",
    Reason.CANCELLED_BY_STAFF: "Our staff cancelled this payment.",
    Reason.REJECTED: "{gateway} did not accept this payment. Nothing was charged.",
}

_REVIEWS: Final[dict[str, str]] = {
    Reason.PARTIALLY_PAID: "A part of the amount has arrived. Our staff look into it.",
    Reason.AWAITING_CONFIRMATION: "Our staff confirm the payment when your money arrives.",
    Reason.PROVIDER_REVIEW: "{gateway} is reviewing this payment.",
    Reason.AMOUNT_MISMATCH: "Another amount has arrived. Our staff look into it.",
    Reason.OVERPAID: "More than the amount has arrived. Our staff look into it.",
}

_FIELDS: Final = {
    ("gateway", "not_offered"): "This way to pay is not open at the moment.",
    ("currency", "not_offered"): "Choose a currency that can be paid this way.",
    ("channel", "required"): "Choose how to pay.",
    ("channel", "not_offered"): "This way to pay is not open at the moment.",
}


def currency_symbol(currency: str, locale: str) -> str:
    """Return what stands for the currency beside a figure."""
    return get_currency_symbol(currency, locale_of(locale)) if currency else ""


def read_amount(text: str, currency: str, locale: str) -> Money:
    """Read what was typed with the marks of the user's locale; raises AmountError."""
    return parse_amount(text, currency, decimal_mark(locale), group_mark(locale))


def write_amount(amount: Money, locale: str) -> str:
    """Write an amount as its owner would type it."""
    return amount.to_decimal().replace(".", decimal_mark(locale))


def amount_fault(error: AmountError, currency: str, locale: str) -> str:
    """Say what is wrong with an amount."""
    match error.code:
        case "empty":
            return "Enter an amount."
        case "too_many_decimals":
            decimals = exponent(currency)
            return f"Use at most {decimals} decimals." if decimals else "Use whole amounts only."
        case "negative" | "zero":
            return "Enter an amount above zero."
        case "too_large":
            return "This amount is too large."
        case "below_minimum":
            return f"The least is {money(Money(error.limit or 0, currency), locale)}."
        case "above_maximum":
            return f"The most is {money(Money(error.limit or 0, currency), locale)}."
    return "Enter an amount in digits."


def field_fault(error: InvalidRequest) -> str:
    """Say what is wrong with a choice."""
    return _FIELDS.get((error.field, error.code), "This choice cannot be used.")


def standing(progress: Progress) -> str:
    """Say why a payment was Cancelled, or what an open one waits for beyond the customer."""
    name, _, detail = (progress.reason or "").partition(":")
    if progress.status is PaymentStatus.PENDING:
        return _REVIEWS.get(name, "").format(gateway=progress.gateway_label)
    if progress.status is PaymentStatus.COMPLETED:
        return ""
    if name == Reason.DECLINED:
        cause = _DECLINES.get(detail)
        told = f"Your bank declined the payment: {cause}." if cause else "Your bank declined it."
        return f"{told} {NOTHING_CHARGED}"
    ending = _ENDINGS.get(name, f"The payment was cancelled. {NOTHING_CHARGED}")
    return ending.format(gateway=progress.gateway_label)
