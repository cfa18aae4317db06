"""Stripe's test cards, and what becomes of a card once it is entered.

The numbers are those of Stripe's page on testing. A number is forgotten as soon as it is
recognised: what is kept is brand, last four digits, a fingerprint and how the card behaves.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal

from payments_app.sandbox.card_http import Call, refuse
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import Answer, new_id


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a test card behaves: an error ``code`` means that charging it is declined."""

    code: str = ""
    decline_code: str | None = None
    message: str = "Your card was declined."
    authentication: bool = False
    disputed: bool = False
    refund: Literal["succeeded", "late", "fails"] = "succeeded"


def _declined(decline_code: str, message: str = "Your card was declined.") -> Behaviour:
    return Behaviour("card_declined", decline_code, message)


_NO_FUNDS = _declined("insufficient_funds", "Your card has insufficient funds.")
BEHAVIOURS: dict[str, Behaviour] = {
    "ok": Behaviour(),
    "declined": _declined("generic_decline"),
    "no_funds": _NO_FUNDS,
    "lost": _declined("lost_card"),
    "stolen": _declined("stolen_card"),
    "expired": Behaviour("expired_card", message="Your card has expired."),
    "cvc": Behaviour("incorrect_cvc", message="Your card's security code is incorrect."),
    "processing": Behaviour(
        "processing_error",
        message="An error occurred while processing your card. Try again in a little bit.",
    ),
    "disputed": Behaviour(disputed=True),
    "3ds": Behaviour(authentication=True),
    "3ds_declined": Behaviour(
        _NO_FUNDS.code, _NO_FUNDS.decline_code, _NO_FUNDS.message, authentication=True
    ),
    "refund_late": Behaviour(refund="late"),
    "refund_fails": Behaviour(refund="fails"),
    "not_a_test_card": _declined(
        "testmode_decline",
        "Your card was declined. Your request was in test mode, but used a non test card.",
    ),
}
_BY_NUMBER: dict[str, str] = {
    **dict.fromkeys(
        ("4242424242424242", "4000056655665556", "5555555555554444", "2223003122003222"), "ok"
    ),
    **dict.fromkeys(("5200828282828210", "378282246310005", "6011111111111117"), "ok"),
    "4000000000000002": "declined",
    "4000000000009995": "no_funds",
    "4000000000009987": "lost",
    "4000000000009979": "stolen",
    "4000000000000069": "expired",
    "4000000000000127": "cvc",
    "4000000000000119": "processing",
    "4000000000000259": "disputed",
    **dict.fromkeys(("4000002500003155", "4000002760003184", "4000000000003220"), "3ds"),
    "4000008260003178": "3ds_declined",
    "4000000000007726": "refund_late",
    "4000000000005126": "refund_fails",
}
_BY_TEST_METHOD = {
    "pm_card_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_visa_chargeDeclined": "4000000000000002",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedLostCard": "4000000000009987",
    "pm_card_visa_chargeDeclinedStolenCard": "4000000000009979",
    "pm_card_chargeDeclinedExpiredCard": "4000000000000069",
    "pm_card_chargeDeclinedIncorrectCvc": "4000000000000127",
    "pm_card_chargeDeclinedProcessingError": "4000000000000119",
    "pm_card_createDispute": "4000000000000259",
    "pm_card_threeDSecure2Required": "4000000000003220",
    "pm_card_pendingRefund": "4000000000007726",
    "pm_card_refundFail": "4000000000005126",
}
_BRANDS = (("4", "visa"), ("34", "amex"), ("37", "amex"), ("5", "mastercard"), ("2", "mastercard"),
           ("6", "discover"), ("3", "diners"))  # fmt: skip


async def take_method(tx: Transaction, call: Call) -> Document | None:
    """Make or find the payment method that a create or confirm call names; None if it names none.

    Raises 402 for a card that cannot be one, and 400 for raw digits sent with the secret key, since
    a merchant's server must never hold them.
    """
    if data := call.section("payment_method_data"):
        if not call.public:
            raise refuse("Sending credit card numbers directly to the Stripe API is unsafe.")
        card = data.get("card")
        if data.get("type") != "card" or not isinstance(card, dict):
            raise refuse("Only cards are taken here.", param="payment_method_data[type]")
        return await _make(tx, _checked(card, tx.now), data.get("billing_details"))
    method_id = call.text("payment_method")
    if method_id is None:
        return None
    if method_id in _BY_TEST_METHOD:
        card = {"number": _BY_TEST_METHOD[method_id], "exp_month": "12", "exp_year": "2099"}
        return await _make(tx, card, None)
    method = await tx.get("payment_method", method_id)
    if method is None:
        message = f"No such PaymentMethod: '{method_id}'"
        raise refuse(message, code="resource_missing", param="payment_method")
    return method


async def behaviour(tx: Transaction, method_id: str) -> Behaviour:
    """Look up how the card behind a payment method behaves."""
    plan = await tx.get("card_plan", method_id)
    return BEHAVIOURS[plan["name"]] if plan else Behaviour()


async def _make(tx: Transaction, card: dict[str, str], billing: object) -> Document:
    number = card["number"]
    brand = next((name for start, name in _BRANDS if number.startswith(start)), "unknown")
    method: Document = {
        "id": new_id("pm_"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {"address": None, "email": None, "name": None, "phone": None}
        | (billing if isinstance(billing, dict) else {}),
        "card": {
            "brand": brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass" if card.get("cvc") else None,
            },
            "country": "US",
            "display_brand": brand,
            "exp_month": int(card["exp_month"]),
            "exp_year": int(card["exp_year"]),
            "fingerprint": sha256(f"sandbox{number}".encode()).hexdigest()[:16],
            "funding": "credit",
            "generated_from": None,
            "last4": number[-4:],
            "networks": {"available": [brand], "preferred": None},
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": int(tx.now),
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }
    name = _BY_NUMBER.get(number, "not_a_test_card")
    await tx.put("payment_method", method["id"], method)
    await tx.put("card_plan", method["id"], {"name": name})
    return method


def _checked(card: Document, now: float) -> dict[str, str]:
    digits = {name: str(card.get(name, "")).replace(" ", "") for name in card}
    if not _luhn(digits.get("number", "")):
        raise _unusable("incorrect_number", "Your card number is incorrect.", "number")
    month, year = digits.get("exp_month", ""), digits.get("exp_year", "")
    if not month.isdecimal() or not 1 <= int(month) <= 12:
        message = "Your card's expiration month is invalid."
        raise _unusable("invalid_expiry_month", message, "exp_month")
    today = datetime.fromtimestamp(now, UTC)
    full_year = int(year) + (2000 if len(year) <= 2 else 0) if year.isdecimal() else 0
    if (full_year, int(month)) < (today.year, today.month) or full_year > today.year + 50:
        message = "Your card's expiration year is invalid."
        raise _unusable("invalid_expiry_year", message, "exp_year")
    cvc = digits.get("cvc", "")
    if not cvc.isdecimal() or len(cvc) not in (3, 4):
        raise _unusable("invalid_cvc", "Your card's security code is invalid.", "cvc")
    return {**digits, "exp_year": str(full_year)}


def _unusable(code: str, message: str, param: str) -> Answer:
    return refuse(message, 402, code, "card_error", param=param)


def _luhn(number: str) -> bool:
    if not (number.isascii() and number.isdecimal() and 12 <= len(number) <= 19):
        return False
    doubled = (int(d) * (1 + i % 2) for i, d in enumerate(reversed(number)))
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0
