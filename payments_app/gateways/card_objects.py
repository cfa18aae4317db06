"""Stripe's objects as the portal sees them: amounts, statuses, declines, events.

Facts from https://docs.stripe.com/api (payment_intents, refunds, disputes, events).
"""

from collections.abc import Mapping
from typing import Any, Final

import structlog

from payments_app.domain.money import EXPONENTS, Money
from payments_app.domain.payment import PaymentStatus, Reason, decline
from payments_app.gateways.base import (
    ConfirmCard,
    GatewayEvent,
    PaymentResult,
    RefundResult,
    Subject,
    Takeback,
)
from payments_app.gateways.errors import GatewayRejected
from payments_app.gateways.http import scrub

log = structlog.get_logger()

_PENDING, _COMPLETED, _CANCELLED = PaymentStatus

INTENT_STATUSES: Final = {
    "requires_payment_method": _PENDING,
    "requires_confirmation": _PENDING,
    "requires_action": _PENDING,
    "processing": _PENDING,
    "requires_capture": _PENDING,
    "canceled": _CANCELLED,
    "succeeded": _COMPLETED,
}
REFUND_STATUSES: Final = {
    "pending": _PENDING,
    "requires_action": _PENDING,
    "succeeded": _COMPLETED,
    "failed": _CANCELLED,
    "canceled": _CANCELLED,
}
DISPUTE_STATUSES: Final = {
    "warning_needs_response": _PENDING,
    "warning_under_review": _PENDING,
    "warning_closed": _CANCELLED,
    "needs_response": _PENDING,
    "under_review": _PENDING,
    "prevented": _CANCELLED,
    "won": _CANCELLED,
    "lost": _COMPLETED,
}
"""Every status that Stripe documents for each object; an unknown one is Pending, and logged."""

_NOT_TO_BE_TOLD: Final = frozenset(
    {"fraudulent", "lost_card", "merchant_blacklist", "pickup_card", "stolen_card"}
)
"""Declines whose cause the cardholder must not learn (https://docs.stripe.com/declines/codes)."""

_CANCEL_REASONS: Final = {
    "requested_by_customer": Reason.CANCELLED_BY_CUSTOMER,
    "abandoned": Reason.ABANDONED,
    "automatic": Reason.EXPIRED,
    "expired": Reason.EXPIRED,
}

# Stripe counts these otherwise than ISO 4217 does (https://docs.stripe.com/currencies).
_TWO_DECIMALS_AT_STRIPE: Final = frozenset({"ISK", "UGX"})
_ZERO_DECIMALS_AT_STRIPE: Final = frozenset({"MGA"})
LARGEST_UNITS: Final = 99_999_999
"""Stripe takes at most eight digits."""
REFERENCE: Final = "reference"
"""Our reference's name in the metadata of intents and refunds."""


def _exponent(currency: str) -> int:
    if currency in _TWO_DECIMALS_AT_STRIPE:
        return 2
    return 0 if currency in _ZERO_DECIMALS_AT_STRIPE else EXPONENTS[currency]


def to_stripe(money: Money) -> int:
    """Return the amount as Stripe counts it; raises GatewayRejected for one it cannot express."""
    shift = _exponent(money.currency) - EXPONENTS[money.currency]
    units, rest = divmod(money.minor * 10 ** max(shift, 0), 10 ** max(-shift, 0))
    if rest or (_exponent(money.currency) == 3 and units % 10):
        raise GatewayRejected("invalid_amount", "the last digit must be 0")
    return int(units)


def from_stripe(units: int, currency: str) -> Money:
    """Read an amount as Stripe counts it; ``currency`` in lower case as it writes it."""
    code = currency.upper()
    shift = EXPONENTS[code] - _exponent(code)
    return Money(units * 10 ** max(shift, 0) // 10 ** max(-shift, 0), code)


def _status(table: Mapping[str, PaymentStatus], status: str) -> PaymentStatus:
    if status not in table:
        log.warning("unknown_status", gateway="card", status=status)
    return table.get(status, _PENDING)


def payment_result(intent: Mapping[str, Any], *, with_secret: bool = False) -> PaymentResult:
    """Translate an intent. A decline leaves it open at Stripe, so Pending and ``declined``.

    ``with_secret`` hands its client secret on as the next action. Card and fee are known where
    ``latest_charge.balance_transaction`` is expanded.
    """
    status = _status(INTENT_STATUSES, intent["status"])
    failure = intent.get("last_payment_error") or {}
    declined = intent["status"] == "requires_payment_method" and bool(failure)
    paid = intent["amount_received" if status is _COMPLETED else "amount"]
    secret = intent.get("client_secret") if with_secret and status is _PENDING else None
    charge = intent.get("latest_charge")
    charge = charge if isinstance(charge, Mapping) else {}
    return PaymentResult(
        status=status,
        gateway_reference=intent["id"],
        amount=from_stripe(paid, intent["currency"]),
        own_reference=(intent.get("metadata") or {}).get(REFERENCE),
        fee=_fee(charge.get("balance_transaction")),
        reason=_why(intent, status),
        declined=declined,
        next_action=ConfirmCard(secret) if secret else None,
        method_detail=_card(charge.get("payment_method_details")),
        raw=scrub(intent),
    )


def _why(intent: Mapping[str, Any], status: PaymentStatus) -> str | None:
    failure = intent.get("last_payment_error")
    if intent["status"] not in INTENT_STATUSES:
        return Reason.UNKNOWN_STATUS
    if failure and status is not _COMPLETED:
        return _reason(failure)
    return _CANCEL_REASONS.get(intent.get("cancellation_reason") or "")


def _reason(failure: Mapping[str, Any]) -> str:
    code = failure.get("decline_code") or failure.get("code") or "generic_decline"
    return decline("generic_decline" if code in _NOT_TO_BE_TOLD else str(code))


def _fee(transaction: Any) -> Money | None:
    if not isinstance(transaction, Mapping):
        return None
    return from_stripe(transaction["fee"], transaction["currency"])


def _card(details: Any) -> str | None:
    card = details.get("card") if isinstance(details, Mapping) else None
    return f"{str(card['brand']).capitalize()} ending {card['last4']}" if card else None


def refund_result(refund: Mapping[str, Any]) -> RefundResult:
    """Translate a refund."""
    return RefundResult(
        status=_status(REFUND_STATUSES, refund["status"]),
        gateway_reference=refund["id"],
        amount=from_stripe(refund["amount"], refund["currency"]),
        reason=_failure(refund),
        raw=scrub(refund),
    )


def refunded(refund: Mapping[str, Any]) -> Takeback:
    """Translate a refund into what it takes of its payment."""
    return _takeback(refund, _status(REFUND_STATUSES, refund["status"]), _failure(refund))


def _takeback(thing: Mapping[str, Any], status: PaymentStatus, reason: str | None) -> Takeback:
    return Takeback(
        gateway_reference=thing["id"],
        amount=from_stripe(thing["amount"], thing["currency"]),
        status=status,
        own_reference=(thing.get("metadata") or {}).get(REFERENCE),
        reason=reason,
    )


def _failure(refund: Mapping[str, Any]) -> str | None:
    code = refund.get("failure_reason")
    return f"{Reason.FAILED}:{code}" if code else None


def event_of(event: Mapping[str, Any]) -> GatewayEvent:
    """Translate a verified event; one about money that no intent brought in is OTHER.

    No result is taken from the message: the look-up also brings the card and the fee, which only
    the expanded charge has. ``charge.refunded`` tells no more than the ``refund`` events do.
    """
    thing, kind = event["data"]["object"], event["type"]
    if kind.startswith("payment_intent."):
        return GatewayEvent(
            event["id"],
            kind,
            Subject.PAYMENT,
            reference=(thing.get("metadata") or {}).get(REFERENCE),
            gateway_reference=thing["id"],
        )
    if not thing.get("payment_intent"):
        return GatewayEvent(event["id"], kind, Subject.OTHER)
    if kind.startswith(("refund.", "charge.refund.")):
        return _takeback_event(event, Subject.REFUND, _status(REFUND_STATUSES, thing["status"]))
    if kind.startswith("charge.dispute."):
        return _takeback_event(event, Subject.DISPUTE, _status(DISPUTE_STATUSES, thing["status"]))
    return GatewayEvent(event["id"], kind, Subject.OTHER)


def _takeback_event(
    event: Mapping[str, Any], subject: Subject, status: PaymentStatus
) -> GatewayEvent:
    thing = event["data"]["object"]
    reason = Reason.DISPUTED if subject is Subject.DISPUTE else _failure(thing)
    return GatewayEvent(
        event["id"],
        event["type"],
        subject,
        gateway_reference=thing["payment_intent"],
        takeback=_takeback(thing, status, reason),
    )
