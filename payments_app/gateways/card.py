"""Credit card through Stripe PaymentIntents, confirmed in the browser by Stripe's own fields.

Facts from https://docs.stripe.com/api (payment_intents, refunds, events, errors) and the official
SDK. Card numbers never pass here: the page gets a client secret and talks to Stripe itself.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import stripe
import structlog
from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from payments_app.domain.money import EXPONENTS, Money
from payments_app.domain.payment import PaymentStatus, Reason, decline
from payments_app.gateways.base import (
    ConfirmCard,
    Gateway,
    GatewayEvent,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
    RefundRequest,
    RefundResult,
    Subject,
    Takeback,
)
from payments_app.gateways.errors import (
    GatewayRejected,
    GatewayUnavailable,
    InvalidSignature,
    UnknownPayment,
    Unsupported,
)
from payments_app.gateways.http import Client, load_json, scrub
from payments_app.settings import GatewaySettings

log = structlog.get_logger()

# At DEBUG the SDK logs whole answers, client secrets included.
logging.getLogger("stripe").setLevel(logging.INFO)

PENDING, COMPLETED, CANCELLED = (
    PaymentStatus.PENDING,
    PaymentStatus.COMPLETED,
    PaymentStatus.CANCELLED,
)

INTENT_STATUSES: Final = {
    "requires_payment_method": PENDING,
    "requires_confirmation": PENDING,
    "requires_action": PENDING,
    "processing": PENDING,
    "requires_capture": PENDING,
    "canceled": CANCELLED,
    "succeeded": COMPLETED,
}
REFUND_STATUSES: Final = {
    "pending": PENDING,
    "requires_action": PENDING,
    "succeeded": COMPLETED,
    "failed": CANCELLED,
    "canceled": CANCELLED,
}
DISPUTE_STATUSES: Final = {
    "warning_needs_response": PENDING,
    "warning_under_review": PENDING,
    "warning_closed": CANCELLED,
    "needs_response": PENDING,
    "under_review": PENDING,
    "prevented": CANCELLED,
    "won": CANCELLED,
    "lost": COMPLETED,
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
_LARGEST: Final = 99_999_999
_TOLERANCE_SECONDS: Final = 300
_REFERENCE: Final = "reference"
_MISSING: Final = "resource_missing"


class CardSettings(GatewaySettings):
    """Keys and addresses of a Stripe account. ``webhook_secret`` takes several, comma separated,
    while one is being rolled."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_prefix="STRIPE_")

    secret_key: SecretStr = SecretStr("")
    publishable_key: str = ""
    webhook_secret: SecretStr = SecretStr("")
    api_base: str = "https://api.stripe.com"
    js_url: str = "https://js.stripe.com/v3/"
    currencies: frozenset[str] | None = frozenset({"USD", "GBP"})
    minimum: dict[str, str] = {"USD": "0.50", "EUR": "0.50", "GBP": "0.30"}


class Card(Gateway):
    """Credit and debit cards. The gateway reference is the PaymentIntent's id."""

    code = "card"
    label = "Credit Card"
    icon = "credit-card"
    collects_card = True
    Settings = CardSettings
    all_currencies = frozenset(EXPONENTS)
    required_settings = ("secret_key", "publishable_key", "webhook_secret")

    settings: CardSettings

    def __init__(
        self, settings: CardSettings, client: Client, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(settings, client)
        self._clock = clock
        self._http = stripe.HTTPXClient(timeout=client.timeout)
        self._stripe = stripe.StripeClient(
            settings.secret_key.get_secret_value() or "none",
            base_addresses={"api": settings.api_base},
            http_client=self._http,
            max_network_retries=2,
        )

    async def aclose(self) -> None:
        """Close the SDK's connections too."""
        await self._http.close_async()  # type: ignore[no-untyped-call]
        await super().aclose()

    def browser_scripts(self) -> dict[str, str]:
        """Return where Stripe.js is and the key that names the merchant; both are public."""
        return {"js_url": self.settings.js_url, "publishable_key": self.settings.publishable_key}

    def maximum(self, currency: str) -> Money | None:
        """Return the setting, or Stripe's eight digits."""
        return super().maximum(currency) or _from_stripe(_LARGEST, currency)

    async def create_payment(self, request: PaymentRequest) -> PaymentResult:
        """Create the PaymentIntent; Stripe keeps the reference as Idempotency-Key for 24 hours."""
        intent = await self._ask(
            self._stripe.v1.payment_intents.create_async,
            {
                "amount": _to_stripe(request.charge),
                "currency": request.charge.currency.lower(),
                "payment_method_types": ["card"],
                "description": request.description,
                "metadata": {_REFERENCE: request.reference},
            },
            {"idempotency_key": request.reference},
        )
        return _payment_result(intent, with_secret=True)

    async def fetch_payment(self, lookup: PaymentLookup) -> PaymentResult:
        """Read the intent. Unsupported without its id: Stripe's search lags behind by up to a
        minute, whereas creating it again with the same key returns it."""
        intent = await self._ask(
            self._stripe.v1.payment_intents.retrieve_async,
            _known(lookup),
            {"expand": ["latest_charge.balance_transaction"]},
        )
        return _payment_result(intent)

    async def cancel_payment(self, lookup: PaymentLookup) -> PaymentResult:
        """Cancel the intent; one that cannot be cancelled any more is read instead."""
        try:
            intent = await self._ask(
                self._stripe.v1.payment_intents.cancel_async,
                _known(lookup),
                {"cancellation_reason": "requested_by_customer"},
            )
        except GatewayRejected as error:
            if error.code != "payment_intent_unexpected_state":
                raise
            return await self.fetch_payment(lookup)
        return _payment_result(intent)

    async def refund(self, request: RefundRequest) -> RefundResult:
        """Refund a part or all of the intent's charge."""
        refund = await self._ask(
            self._stripe.v1.refunds.create_async,
            {
                "payment_intent": _known(request.payment),
                "amount": _to_stripe(request.amount),
                "metadata": {_REFERENCE: request.reference},
            },
            {"idempotency_key": request.reference},
        )
        return _refund_result(refund)

    async def fetch_refund(self, request: RefundRequest, gateway_reference: str) -> RefundResult:
        """Read the refund."""
        return _refund_result(
            await self._ask(self._stripe.v1.refunds.retrieve_async, gateway_reference)
        )

    async def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> GatewayEvent:
        """Verify Stripe-Signature on the raw body (https://docs.stripe.com/webhooks#verify-manually)
        and translate. Timestamps more than 300 s off, past or future, are refused."""
        self._verify(headers.get("stripe-signature", ""), body)
        try:
            return _event(load_json(body))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise InvalidSignature("not a Stripe event") from error

    def _verify(self, header: str, body: bytes) -> None:
        try:
            text = body.decode()
            # The SDK believes the first of several times, so only one may be there to be checked.
            (seconds,) = (int(part[2:]) for part in header.split(",") if part.startswith("t="))
        except ValueError as error:
            raise InvalidSignature("malformed") from error
        if abs(int(self._clock()) - seconds) > _TOLERANCE_SECONDS or not header.isascii():
            raise InvalidSignature("timestamp outside the tolerance")
        secrets = self.settings.webhook_secret.get_secret_value().split(",")
        if not any(_signed(text, header, secret.strip()) for secret in secrets if secret.strip()):
            raise InvalidSignature("no matching signature")

    async def _ask(self, call: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Call the SDK and translate its faults; returns plain JSON.

        The SDK's own errors are dropped here, since their texts may quote the whole answer.
        """
        try:
            answer: dict[str, Any] = (await call(*arguments)).to_dict()
            return answer
        except stripe.StripeError as error:
            fault = _fault(error)
        log.warning("gateway_fault", gateway=self.code, fault=str(fault))
        raise fault


def _fault(error: stripe.StripeError) -> GatewayUnavailable | GatewayRejected:
    """Tell a refusal from an unknown outcome, which the SDK calls APIError when the answer is a
    5xx, a 409 (the same key is still at work) or cannot be read."""
    if isinstance(error, stripe.APIConnectionError | stripe.APIError | stripe.RateLimitError):
        waiting = (error.headers or {}).get("retry-after", "")
        return GatewayUnavailable(
            f"card: {type(error).__name__} {error.http_status or ''}".strip(),
            retry_after=float(waiting) if waiting.isdigit() else 0.0,
        )
    code = error.code or type(error).__name__
    return UnknownPayment(code) if code == _MISSING else GatewayRejected(code)


def _known(lookup: PaymentLookup) -> str:
    if lookup.gateway_reference is None:
        raise Unsupported("Stripe finds an intent by its own id only")
    return lookup.gateway_reference


def _signed(text: str, header: str, secret: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(text, header, secret))
    except stripe.SignatureVerificationError:
        return False


def _exponent(currency: str) -> int:
    if currency in _TWO_DECIMALS_AT_STRIPE:
        return 2
    return 0 if currency in _ZERO_DECIMALS_AT_STRIPE else EXPONENTS[currency]


def _to_stripe(money: Money) -> int:
    """Return the amount as Stripe counts it; refuses what it cannot express."""
    shift = _exponent(money.currency) - EXPONENTS[money.currency]
    units, rest = divmod(money.minor * 10 ** max(shift, 0), 10 ** max(-shift, 0))
    if rest or (_exponent(money.currency) == 3 and units % 10):
        raise GatewayRejected("invalid_amount", "the last digit must be 0")
    return int(units)


def _from_stripe(units: int, currency: str) -> Money:
    code = currency.upper()
    shift = EXPONENTS[code] - _exponent(code)
    return Money(units * 10 ** max(shift, 0) // 10 ** max(-shift, 0), code)


def _status(table: Mapping[str, PaymentStatus], status: str) -> PaymentStatus:
    if status not in table:
        log.warning("unknown_status", gateway="card", status=status)
    return table.get(status, PENDING)


def _payment_result(intent: Mapping[str, Any], *, with_secret: bool = False) -> PaymentResult:
    status = _status(INTENT_STATUSES, intent["status"])
    failure = intent.get("last_payment_error") or {}
    declined = intent["status"] == "requires_payment_method" and bool(failure)
    cancelled = _CANCEL_REASONS.get(intent.get("cancellation_reason") or "")
    paid = intent["amount_received" if status is COMPLETED else "amount"]
    secret = intent.get("client_secret") if with_secret and status is PENDING else None
    charge = intent.get("latest_charge")
    charge = charge if isinstance(charge, Mapping) else {}
    return PaymentResult(
        status=status,
        gateway_reference=intent["id"],
        amount=_from_stripe(paid, intent["currency"]),
        own_reference=(intent.get("metadata") or {}).get(_REFERENCE),
        fee=_fee(charge.get("balance_transaction")),
        reason=_reason(failure) if failure and status is not COMPLETED else cancelled,
        declined=declined,
        next_action=ConfirmCard(secret) if secret else None,
        method_detail=_card(charge.get("payment_method_details")),
        raw=scrub(intent),
    )


def _reason(failure: Mapping[str, Any]) -> str:
    code = failure.get("decline_code") or failure.get("code") or "generic_decline"
    return decline("generic_decline" if code in _NOT_TO_BE_TOLD else str(code))


def _fee(transaction: Any) -> Money | None:
    if not isinstance(transaction, Mapping):
        return None
    return _from_stripe(transaction["fee"], transaction["currency"])


def _card(details: Any) -> str | None:
    card = details.get("card") if isinstance(details, Mapping) else None
    return f"{str(card['brand']).capitalize()} ending {card['last4']}" if card else None


def _refund_result(refund: Mapping[str, Any]) -> RefundResult:
    return RefundResult(
        status=_status(REFUND_STATUSES, refund["status"]),
        gateway_reference=refund["id"],
        amount=_from_stripe(refund["amount"], refund["currency"]),
        reason=_failure(refund),
        raw=scrub(refund),
    )


def _failure(refund: Mapping[str, Any]) -> str | None:
    code = refund.get("failure_reason")
    return f"{Reason.FAILED}:{code}" if code else None


def _event(event: Mapping[str, Any]) -> GatewayEvent:
    """Translate a verified event. No intent is taken from the message: the look-up also brings the
    card and the fee, which only the expanded charge has."""
    thing, kind = event["data"]["object"], event["type"]
    if kind.startswith("payment_intent."):
        return GatewayEvent(
            event["id"],
            kind,
            Subject.PAYMENT,
            reference=(thing.get("metadata") or {}).get(_REFERENCE),
            gateway_reference=thing["id"],
        )
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
    takeback = Takeback(
        gateway_reference=thing["id"],
        amount=_from_stripe(thing["amount"], thing["currency"]),
        status=status,
        own_reference=(thing.get("metadata") or {}).get(_REFERENCE),
        reason=reason,
    )
    return GatewayEvent(
        event["id"],
        event["type"],
        subject,
        gateway_reference=thing.get("payment_intent"),
        takeback=takeback,
    )
