"""Credit card through Stripe PaymentIntents, confirmed in the browser by Stripe's own fields.

Facts from https://docs.stripe.com/api (payment_intents, refunds, events, errors) and the official
SDK. Card numbers never pass here: the page gets a client secret and talks to Stripe itself.
"""

import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import stripe
import structlog
from pydantic import SecretStr
from pydantic_settings import NoDecode, SettingsConfigDict

from payments_app.domain.languages import later
from payments_app.domain.money import EXPONENTS, Money
from payments_app.gateways.base import (
    Gateway,
    GatewayEvent,
    ListedPayment,
    ListedRefund,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
    RefundRequest,
    RefundResult,
)
from payments_app.gateways.card_objects import (
    LARGEST_UNITS,
    REFERENCE,
    event_of,
    from_stripe,
    payment_result,
    refund_result,
    refunded,
    to_stripe,
)
from payments_app.gateways.errors import (
    GatewayRejected,
    GatewayUnavailable,
    InvalidSignature,
    RateLimited,
    UnknownPayment,
    Unsupported,
)
from payments_app.gateways.http import Client, load_json, seconds_asked
from payments_app.settings import GatewaySettings

log = structlog.get_logger()

# At DEBUG the SDK logs whole answers, client secrets included.
logging.getLogger("stripe").setLevel(logging.INFO)

_TOLERANCE_SECONDS: Final = 300
_MISSING: Final = "resource_missing"
_PAGE: Final = 100
_STRIPE_JS: Final = "https://js.stripe.com"


class CardSettings(GatewaySettings):
    """Keys and addresses of a Stripe account. ``webhook_secret`` takes several, comma separated,
    while one is being rolled."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_prefix="STRIPE_")

    secret_key: SecretStr = SecretStr("")
    """The secret key, `sk_live_...`."""
    publishable_key: str = ""
    """The key that browsers may see, `pk_live_...`."""
    webhook_secret: SecretStr = SecretStr("")
    """The signing secret of the webhook endpoint; several, comma separated, while it is rolled."""
    api_base: str = "https://api.stripe.com"
    """Address of the gateway's interface."""
    js_url: str = "https://js.stripe.com/v3/"
    """Where browsers load the card fields from."""
    currencies: Annotated[frozenset[str] | None, NoDecode] = frozenset({"USD", "GBP"})
    minimum: dict[str, str] = {"USD": "0.50", "EUR": "0.50", "GBP": "0.30"}


class Card(Gateway):
    """Credit and debit cards. The gateway reference is the PaymentIntent's id."""

    code = "card"
    label = later("Credit Card")
    icon = "credit-card"
    collects_card = True
    Settings = CardSettings
    all_currencies = frozenset(EXPONENTS)
    required_settings = ("secret_key", "publishable_key", "webhook_secret")
    rolling_settings = ("webhook_secret",)
    repeat_seconds = 24 * 3600

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
            max_network_retries=0,
        )

    async def aclose(self) -> None:
        """Close the SDK's connections too."""
        await self._http.close_async()  # type: ignore[no-untyped-call]
        await super().aclose()

    def browser_scripts(self) -> dict[str, str]:
        """Return where Stripe.js is and the key that names the merchant; both are public."""
        return {"js_url": self.settings.js_url, "publishable_key": self.settings.publishable_key}

    def page_sources(self) -> dict[str, tuple[str, ...]]:
        """Return where Stripe.js comes from, and what it opens and asks itself, once it is set up.

        https://docs.stripe.com/security/guide#content-security-policy
        """
        if self.missing_settings():
            return {}
        parts = urlsplit(self.settings.js_url)
        home = f"{parts.scheme}://{parts.netloc}"
        if home != _STRIPE_JS:
            return {"script-src": (home,), "frame-src": (home,), "connect-src": (home,)}
        own = (home, "https://*.js.stripe.com")
        return {
            "script-src": own,
            "frame-src": (*own, "https://hooks.stripe.com"),
            "connect-src": ("https://api.stripe.com",),
        }

    def maximum(self, currency: str) -> Money | None:
        """Return the setting, or Stripe's eight digits."""
        return super().maximum(currency) or from_stripe(LARGEST_UNITS, currency)

    async def probe(self) -> None:
        """Read the account's balance."""
        await self._ask(self._stripe.v1.balance.retrieve_async)

    async def create_payment(self, request: PaymentRequest) -> PaymentResult:
        """Create the PaymentIntent; Stripe keeps the reference as Idempotency-Key for 24 hours, and
        with it the first answer, even where that was a 500."""
        intent = await self._ask(
            self._stripe.v1.payment_intents.create_async,
            {
                "amount": to_stripe(request.charge),
                "currency": request.charge.currency.lower(),
                "payment_method_types": ["card"],
                "description": request.description,
                "metadata": {REFERENCE: request.reference},
            },
            {"idempotency_key": request.reference},
        )
        return payment_result(intent, with_secret=True)

    async def fetch_payment(self, lookup: PaymentLookup) -> PaymentResult:
        """Read the intent; without its id, search for our reference in its metadata. Unsupported
        when that finds none: the search lags behind by up to a minute, whereas creating the intent
        again with the same key returns it."""
        expand = ["latest_charge.balance_transaction"]
        if lookup.gateway_reference is None:
            return payment_result(await self._search(lookup.reference), with_secret=True)
        intent = await self._ask(
            self._stripe.v1.payment_intents.retrieve_async, _known(lookup), {"expand": expand}
        )
        return payment_result(intent)

    async def _search(self, reference: str) -> dict[str, Any]:
        try:
            page = await self._ask(
                self._stripe.v1.payment_intents.search_async,
                {
                    "query": f"metadata['{REFERENCE}']:'{reference}'",
                    "expand": ["data.latest_charge.balance_transaction"],
                },
            )
        except GatewayRejected as error:  # accounts in India have no search
            raise Unsupported("Stripe does not search") from error
        intent: dict[str, Any] | None = next(iter(page["data"]), None)
        if intent is None:
            raise Unsupported("Stripe's search does not find it")
        return intent

    async def list_payments(self, since: datetime, until: datetime) -> AsyncIterator[ListedPayment]:
        """List the intents created in that time, newest first, paid or not."""
        expand = ["data.latest_charge.balance_transaction"]
        list_ = self._stripe.v1.payment_intents.list_async
        async for at, intent in self._listed(list_, since, until, {"expand": expand}):
            yield ListedPayment(at, payment_result(intent))

    async def list_refunds(self, since: datetime, until: datetime) -> AsyncIterator[ListedRefund]:
        """List the refunds created in that time, newest first; those of disputes are not among
        them."""
        list_ = self._stripe.v1.refunds.list_async
        async for at, refund in self._listed(list_, since, until, {}):
            if refund.get("payment_intent"):
                yield ListedRefund(at, refunded(refund), gateway_reference=refund["payment_intent"])

    async def _listed(
        self, call: Callable[..., Any], since: datetime, until: datetime, more: dict[str, Any]
    ) -> AsyncIterator[tuple[datetime, dict[str, Any]]]:
        query: dict[str, Any] = {
            "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())},
            "limit": _PAGE,
            **more,
        }
        while True:
            page = await self._ask(call, query)
            for item in page["data"]:
                yield datetime.fromtimestamp(item["created"], UTC), item
            if not page["has_more"]:
                return
            query["starting_after"] = page["data"][-1]["id"]

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
        return payment_result(intent)

    async def refund(self, request: RefundRequest) -> RefundResult:
        """Refund a part or all of the intent's charge, once.

        A refund with our reference is looked for first, since the key alone would give the first
        answer again for a day, even a 500, and then refund a second time.
        """
        query = {"payment_intent": _known(request.payment), "limit": _PAGE}
        made = await self._ask(self._stripe.v1.refunds.list_async, query)
        for refund in made["data"]:
            if (refund.get("metadata") or {}).get(REFERENCE) == request.reference:
                return refund_result(refund)
        refund = await self._ask(
            self._stripe.v1.refunds.create_async,
            {
                "payment_intent": _known(request.payment),
                "amount": to_stripe(request.amount),
                "metadata": {REFERENCE: request.reference},
            },
            {"idempotency_key": request.reference},
        )
        return refund_result(refund)

    async def fetch_refund(self, request: RefundRequest, gateway_reference: str) -> RefundResult:
        """Read the refund."""
        return refund_result(
            await self._ask(self._stripe.v1.refunds.retrieve_async, gateway_reference)
        )

    async def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> GatewayEvent:
        """Verify Stripe-Signature on the raw body (https://docs.stripe.com/webhooks#verify-manually)
        and translate. Timestamps more than 300 s off, past or future, are refused."""
        self._verify(headers.get("stripe-signature", ""), body)
        try:
            return event_of(load_json(body))
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
        """Call the SDK through the client's circuit and translate its faults; returns plain JSON.

        The client repeats it instead of the SDK: every call is a read, carries our key, or cancels.
        """

        async def ask() -> dict[str, Any]:
            try:
                answer: dict[str, Any] = (await call(*arguments)).to_dict()
                return answer
            except stripe.StripeError as error:
                fault = _fault(error)
            # Outside the block, since the SDK's error may quote the whole answer.
            log.warning("gateway_fault", gateway=self.code, fault=str(fault))
            raise fault

        return await self.client.carry_out(ask, repeatable=True)


def _fault(error: stripe.StripeError) -> GatewayUnavailable | GatewayRejected:
    """Tell a refusal from an unknown outcome, which the SDK calls APIError when the answer is a
    5xx, a 409 (the same key is still at work) or cannot be read."""
    if isinstance(error, stripe.APIConnectionError | stripe.APIError | stripe.RateLimitError):
        kind = RateLimited if isinstance(error, stripe.RateLimitError) else GatewayUnavailable
        return kind(
            f"card: {type(error).__name__} {error.http_status or ''}".strip(),
            retry_after=seconds_asked((error.headers or {}).get("retry-after")),
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
