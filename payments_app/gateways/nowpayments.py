"""NOWPayments: coins for an amount in money, on a hosted invoice page.

https://documenter.getpostman.com/view/7907941/S1a32n38. The gateway reference is the invoice's id
for the payment's whole life. Each try of the customer on the invoice is a payment of its own at
NOWPayments, so one invoice may have several; ``order_id`` in them is our reference. An invoice has
no status: messages (IPN) report its payments, and a look-up lists them, which needs the log-in of
the merchant's account besides the API key.
"""

import asyncio
import json
import time
import unicodedata
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from itertools import count
from typing import Annotated, Any, Final

import httpx
import structlog
from pydantic import Field
from pydantic_settings import NoDecode, SettingsConfigDict

from payments_app.domain.errors import AmountError, UnknownCurrency
from payments_app.domain.money import Money, exponent
from payments_app.domain.payment import PaymentStatus, Reason
from payments_app.gateways.base import (
    Gateway,
    GatewayEvent,
    ListedPayment,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
    Redirect,
    Subject,
)
from payments_app.gateways.errors import (
    GatewayRejected,
    GatewayUnavailable,
    InvalidSignature,
    Unsupported,
)
from payments_app.gateways.http import Client, load_json, scrub
from payments_app.gateways.nowpayments_signature import is_signed
from payments_app.settings import GatewaySettings

log = structlog.get_logger()

_PENDING, _DONE, _CANCELLED = (
    PaymentStatus.PENDING,
    PaymentStatus.COMPLETED,
    PaymentStatus.CANCELLED,
)
STATUSES: Final[dict[str, tuple[PaymentStatus, str | None]]] = {
    "waiting": (_PENDING, None),
    "confirming": (_PENDING, None),
    "confirmed": (_PENDING, None),
    "sending": (_PENDING, None),
    "partially_paid": (_PENDING, Reason.PARTIALLY_PAID),
    "finished": (_DONE, None),
    "failed": (_CANCELLED, Reason.FAILED),
    "refunded": (_CANCELLED, Reason.REVERSED),
    "expired": (_CANCELLED, Reason.EXPIRED),
    "cancelled": (_CANCELLED, Reason.FAILED),
    "canceled": (_CANCELLED, Reason.FAILED),
}
"""Every documented status with its reason; the last two only the official SDK knows. What is not
here is Pending, and logged. Finished still has to pass ``_doubt``. Refunds are made by hand and
booked by staff, so the message of one only ends a payment that was never completed."""

_TOKEN_SECONDS: Final = 240
"""A log-in's token lasts five minutes."""

_OVERPAID_FROM: Final = Decimal("1.01")
"""Wallets round up: less than one percent too much is what was asked for."""

_DIGITS: Final = 20
"""No amount of money or coins has more digits before or behind the point."""

_LONGEST_DESCRIPTION: Final = 150
_PAGE: Final = 100


class NowPaymentsSettings(GatewaySettings):
    """Keys of a NOWPayments account. ``email`` and ``password`` are its log-in, with which payments
    can be looked up; without them the messages alone report."""

    model_config = SettingsConfigDict(env_prefix="NOWPAYMENTS_", env_file=".env", extra="ignore")

    api_key: str = Field(default="", repr=False)
    """The account's API key."""
    ipn_key: str = Field(default="", repr=False)
    """The secret that messages of payments (IPN) are signed with."""
    api_base: str = "https://api.nowpayments.io/v1"
    """Address of the gateway's interface."""
    email: str = ""
    """The account's log-in, with which payments can be looked up."""
    password: str = Field(default="", repr=False)
    """The log-in's password."""
    currencies: Annotated[frozenset[str] | None, NoDecode] = frozenset({"USD", "GBP"})


class NowPayments(Gateway):
    """Cryptocurrencies on NOWPayments' page."""

    code = "nowpayments"
    label = "Now Payments"
    icon = "bitcoin"
    Settings = NowPaymentsSettings
    all_currencies = frozenset({"AUD", "CAD", "EUR", "GBP", "ILS", "RON", "USD"})
    check_delays = (60, 120, 300, 600, 1800, 3600)
    lifetime_seconds = 7 * 24 * 3600
    required_settings = ("api_key", "ipn_key")

    settings: NowPaymentsSettings

    def __init__(self, settings: NowPaymentsSettings, client: Client) -> None:
        super().__init__(settings, client)
        self._token = ""
        self._token_ends = 0.0
        self._token_lock = asyncio.Lock()

    async def probe(self) -> None:
        """Read which coins the account takes."""
        await self._ask("GET", "/merchant/coins")

    async def create_payment(self, request: PaymentRequest) -> PaymentResult:
        """Create an invoice. NOWPayments knows no idempotency: one whose answer was lost stays
        behind unpaid, since nobody was given its address."""
        fields = {
            "price_currency": request.charge.currency.lower(),
            "order_id": request.reference,
            "order_description": _ascii(request.description)[:_LONGEST_DESCRIPTION],
            "ipn_callback_url": request.webhook_url,
            "success_url": request.return_url,
            "partially_paid_url": request.return_url,
            "cancel_url": request.cancel_url,
        }
        # The amount is a JSON number, written as exact text: a float never comes near it.
        body = f'{{"price_amount":{request.charge.to_decimal()},{json.dumps(fields)[1:]}'
        invoice = await self._ask(
            "POST", "/invoice", content=body, headers={"Content-Type": "application/json"}
        )
        try:
            invoice_id, url = str(invoice["id"]), str(invoice["invoice_url"])
        except KeyError as error:
            raise GatewayUnavailable("nowpayments sent no invoice", retryable=False) from error
        return PaymentResult(
            _PENDING,
            invoice_id,
            amount=request.charge,
            own_reference=request.reference,
            next_action=Redirect(url),
            raw=scrub(invoice),
        )

    async def fetch_payment(self, lookup: PaymentLookup) -> PaymentResult:
        """List the invoice's payments and return the one that went furthest.

        Unsupported without the account's log-in, and without the invoice's id: creating the
        payment again then makes the invoice that counts.
        """
        if lookup.gateway_reference is None or not self._can_list:
            raise Unsupported("nowpayments cannot look this payment up")
        results = [
            _result(payment)
            for payment in await self._list(invoiceId=lookup.gateway_reference)
            if str(payment.get("invoice_id")) == lookup.gateway_reference
        ]
        return max(results, key=_progress, default=_untouched(lookup))

    async def list_payments(self, since: datetime, until: datetime) -> AsyncIterator[ListedPayment]:
        """List the tries that began in that time. Unsupported without the account's log-in.

        NOWPayments is asked for whole days, and what lies outside the time is left out.
        """
        if not self._can_list:
            raise Unsupported("nowpayments lists payments only with the account's log-in")
        days = {
            "dateFrom": since.date().isoformat(),
            "dateTo": (until + timedelta(days=1)).date().isoformat(),
        }
        for page in count():
            payments = await self._list(page=page, sortBy="created_at", orderBy="asc", **days)
            for payment in payments:
                at = datetime.fromisoformat(payment["created_at"])
                if since <= at < until:
                    yield ListedPayment(at, _result(payment))
            if len(payments) < _PAGE:
                return

    async def _list(self, **query: str | int) -> Sequence[dict[str, Any]]:
        """Return one page of payments, which needs the log-in."""
        answer = await self._ask(
            "GET",
            "/payment/",
            params={"limit": _PAGE, **query},
            headers={"Authorization": f"Bearer {await self._access_token()}"},
        )
        payments = answer.get("data")
        if not isinstance(payments, Sequence):
            raise GatewayUnavailable("nowpayments sent no list", retryable=False)
        return payments

    async def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> GatewayEvent:
        """Verify HMAC-SHA512 over the message with its keys sorted, and translate.

        The message proves amount and currency. One that ends a payment is left to a look-up where
        that is possible: the customer may have tried again on the same invoice.
        """
        self._verify(headers.get("x-nowpayments-sig", ""), body)
        payment = load_json(body)
        if not isinstance(payment, dict) or "payment_id" not in payment:
            raise InvalidSignature("not a payment")
        status = str(payment.get("payment_status"))
        event_id = f"{payment['payment_id']}:{status}:{payment.get('actually_paid')}"
        if payment.get("order_id") is None and payment.get("invoice_id") is None:
            return GatewayEvent(event_id, status, Subject.OTHER)
        result = _result(payment)
        ended = result.status is _CANCELLED and self._can_list
        return GatewayEvent(
            event_id,
            status,
            Subject.PAYMENT,
            reference=result.own_reference,
            gateway_reference=result.gateway_reference,
            result=None if ended else result,
        )

    @property
    def _can_list(self) -> bool:
        return bool(self.settings.email and self.settings.password)

    def _verify(self, signature: str, body: bytes) -> None:
        try:
            signed = is_signed(self.settings.ipn_key, signature, body)
        except (ValueError, RecursionError) as error:
            raise InvalidSignature("malformed") from error
        if not signed:
            raise InvalidSignature("signature does not match")

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **arguments: Any
    ) -> dict[str, Any]:
        """Call and return the answer; raises GatewayRejected with NOWPayments' code."""
        status, answer = await self.client.json(
            method,
            f"{self.settings.api_base}{path}",
            headers={"x-api-key": self.settings.api_key, **(headers or {})},
            **arguments,
        )
        if status >= httpx.codes.BAD_REQUEST:
            if status == httpx.codes.UNAUTHORIZED:
                self._token_ends = 0.0
            code = str(answer.get("code") or status)
            log.warning("nowpayments_refused", status=status, code=code)
            raise GatewayRejected(code)
        return answer

    async def _access_token(self) -> str:
        """Return the cached token, or log in; whoever comes meanwhile waits for the same."""
        async with self._token_lock:
            if time.monotonic() >= self._token_ends:
                asked = time.monotonic()
                log_in = {"email": self.settings.email, "password": self.settings.password}
                answer = await self._ask("POST", "/auth", json=log_in)
                self._token = str(answer.get("token"))
                self._token_ends = asked + _TOKEN_SECONDS
            return self._token


def _result(payment: Mapping[str, Any]) -> PaymentResult:
    """Translate one payment, which is the same in a message and in a list."""
    name = str(payment.get("payment_status"))
    if name not in STATUSES:
        log.warning("unknown_status", gateway=NowPayments.code, status=name)
    status, reason = STATUSES.get(name, (_PENDING, Reason.UNKNOWN_STATUS))
    amount = _price(payment)
    if payment.get("parent_payment_id") is not None:
        # A further deposit to the same address: never what was asked for, whatever its sum.
        came = status is _DONE or reason is Reason.PARTIALLY_PAID
        status, reason = _PENDING, Reason.REPEATED_DEPOSIT if came else None
    elif status is _DONE and (doubt := _doubt(payment, amount)):
        status, reason = _PENDING, doubt
    return PaymentResult(
        status,
        _text(payment.get("invoice_id")),
        amount=amount,
        own_reference=_text(payment.get("order_id")),
        reason=reason,
        method_detail=str(payment.get("pay_currency") or "").upper() or None,
        received=_received(payment, amount) if reason and status is _PENDING else None,
        raw=scrub(payment),
    )


def _doubt(payment: Mapping[str, Any], amount: Money | None) -> Reason | None:
    """Return why a finished payment is not the one that was asked for, if so.

    A deposit of another coin is finished with another sum of the coin that was asked for.
    """
    if amount is None:
        return Reason.CURRENCY_MISMATCH
    asked, paid = _decimal(payment.get("pay_amount")), _decimal(payment.get("actually_paid"))
    if asked is None or paid is None or asked <= 0 or paid < asked:
        return Reason.WRONG_ASSET
    return Reason.OVERPAID if paid >= asked * _OVERPAID_FROM else None


def _price(payment: Mapping[str, Any]) -> Money | None:
    """Return what the invoice asked for, or None where it cannot be read as money."""
    value = _decimal(payment.get("price_amount"))
    if value is None:
        return None
    try:
        return Money.from_decimal(f"{value:f}", str(payment.get("price_currency")).upper())
    except (AmountError, UnknownCurrency):
        return None


def _received(payment: Mapping[str, Any], price: Money | None) -> Money | None:
    """Return what the coins were worth, in the price's currency, when NOWPayments says so."""
    value = _decimal(payment.get("actually_paid_at_fiat"))
    if not value or value < 0 or price is None:
        return None
    unit = Decimal(1).scaleb(-exponent(price.currency))
    return Money.from_decimal(f"{value.quantize(unit, ROUND_DOWN):f}", price.currency)


def _progress(result: PaymentResult) -> int:
    """Rank the payments of one invoice: money first, then what needs a look, then hope."""
    if result.status is _PENDING:
        return 2 if result.reason else 1
    return 3 if result.status is _DONE else 0


def _untouched(lookup: PaymentLookup) -> PaymentResult:
    return PaymentResult(_PENDING, lookup.gateway_reference, own_reference=lookup.reference)


def _decimal(value: Any) -> Decimal | None:
    """Read a number as it was sent; None for anything else."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < _DIGITS else None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _ascii(text: str) -> str:
    """Leave accents and other scripts out: how NOWPayments signs them is not certain."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
