"""Paynamics: Philippine pesos by e-wallet, online banking, at a counter or by card.

The JSON PayIn API, in which one call names the channel. (The page on which the customer picks the
channel, and the old XML API, are not spoken here.) Paynamics publishes no reference: addresses,
fields and codes are those of public integrations, and where these disagree there is a setting.
Have them checked against the merchant's own guide before going live.

``request_id`` is our reference, and the gateway reference too: it alone is the same in every
answer. Answers and notifications say nothing of the amount, so a notification only leads to a
look-up, and a payment that is found paid was paid as it was asked for.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from textwrap import shorten
from typing import Any, Final

import structlog

from payments_app.domain.errors import PortalError
from payments_app.domain.languages import later
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus, Reason
from payments_app.gateways import paynamics_signature as signatures
from payments_app.gateways.base import (
    Customer,
    Gateway,
    GatewayEvent,
    NextAction,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
    Redirect,
    ShowInstructions,
    Subject,
)
from payments_app.gateways.errors import GatewayRejected, InvalidSignature, UnknownPayment
from payments_app.gateways.http import Client, scrub
from payments_app.gateways.paynamics_api import (
    USED_BEFORE,
    PaynamicsApi,
    PaynamicsSettings,
)
from payments_app.gateways.paynamics_channels import CHANNELS, COUNTER_METHODS

log = structlog.get_logger()

_PENDING, _DONE, _CANCELLED = (
    PaymentStatus.PENDING,
    PaymentStatus.COMPLETED,
    PaymentStatus.CANCELLED,
)
CODES: Final[dict[str, tuple[PaymentStatus, str | None]]] = {
    "GR001": (_DONE, None),
    "GR002": (_DONE, None),
    "GR033": (_PENDING, None),
    "GR020": (_PENDING, None),
    "GR063": (_PENDING, None),
    "GR119": (_PENDING, None),
    "GR206": (_PENDING, None),
    "RM035": (_PENDING, None),
    "RM046": (_PENDING, None),
    "GR003": (_CANCELLED, Reason.FAILED),
    "GR028": (_CANCELLED, Reason.CANCELLED_BY_CUSTOMER),
    "GR053": (_CANCELLED, Reason.CANCELLED_BY_CUSTOMER),
    "GR152": (_CANCELLED, Reason.EXPIRED),
}
"""Every code that integrations know as a payment's state. What is not here is Pending, and logged:
among them GR092, whose meaning nobody tells."""

_FAILED: Final = "GR003"
_NOBODYS: Final = "PROBE"
"""No reference of ours is so short."""
_LONGEST_NOTE: Final = 24
_LONGEST_NAME: Final = 50
_LONGEST_EMAIL: Final = 100
_PAGE_LIFETIME: Final = timedelta(hours=3)
"""How long a page can be paid; only a counter needs days."""


class Paynamics(Gateway):
    """Paynamics' channels, each with its page or its counter."""

    code = "paynamics"
    label = "Paynamics"
    icon = "landmark"
    Settings = PaynamicsSettings
    all_currencies = frozenset({"PHP"})
    checkout_title = "Pay With Paynamics"
    check_delays = (30, 60, 120, 300, 900, 3600)
    lifetime_seconds = 3 * 24 * 3600
    required_settings = ("merchant_id", "merchant_key", "username", "password")

    settings: PaynamicsSettings

    def __init__(self, settings: PaynamicsSettings, client: Client) -> None:
        super().__init__(settings, client)
        self.api = PaynamicsApi(settings, client)
        # Which channels there are differs from merchant to merchant.
        self.channels = tuple(  # type: ignore[misc]
            CHANNELS[code].choice(code) for code in settings.channels
        )

    async def probe(self) -> None:
        """Query a transaction that cannot be: not to know it is the right answer."""
        body = {"org_trxid": "", "org_trxid2": _NOBODYS}
        with suppress(UnknownPayment):
            await self.api.ask_about("/query", _NOBODYS, "Q", body, signatures.QUERY)

    async def create_payment(self, request: PaymentRequest) -> PaymentResult:
        """Start a transaction. A reference that was used before is looked up instead; the page or
        the number to pay with is told only once."""
        lookup = PaymentLookup(
            request.reference,
            request.reference,
            request.charge,
            datetime.now(UTC),
            request.channel,
        )
        body = {
            "transaction": self._transaction(request),
            "customer_info": self._customer(request.customer),
            "order_details": _order(request),
        }
        answer = await self.api.ask("/", body)
        if answer.get("response_code") == USED_BEFORE:
            return await self.fetch_payment(lookup)
        result = self._result(answer, lookup)
        if result.status is _DONE:
            # Some take a first GR001 for "accepted": only a query proves that money came.
            action = self._next_action(answer, lookup)
            return replace(result, status=_PENDING, next_action=action)
        if result.next_action is None and answer.get("response_code") not in CODES:
            raise GatewayRejected(str(answer.get("response_code")))
        return result

    async def fetch_payment(self, lookup: PaymentLookup) -> PaymentResult:
        """Query the transaction by our reference."""
        body = {"org_trxid": "", "org_trxid2": lookup.reference}
        answer = await self.api.ask_about("/query", lookup.reference, "Q", body, signatures.QUERY)
        return self._result(answer, lookup)

    async def cancel_payment(self, lookup: PaymentLookup) -> PaymentResult:
        """Cancel the transaction, and tell how it stands then. GatewayRejected when it is still
        open: Paynamics would not cancel it."""
        body = {
            "org_request_id": lookup.reference,
            "ip_address": "",
            "notification_url": "",
            "response_url": "",
        }
        reference, names = lookup.reference, signatures.CANCEL
        try:
            answer = await self.api.ask_about("/cancel", reference, "C", body, names)
            code = str(answer.get("response_code"))
        except GatewayRejected as error:
            code = error.code
        result = await self.fetch_payment(lookup)
        if result.status is _PENDING:
            raise GatewayRejected(code)
        return result

    async def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> GatewayEvent:
        """Verify the SHA-512 signature among the fields. The amount is not told, so the payment is
        looked up."""
        key, merchant_id = self.settings.merchant_key, self.settings.merchant_id
        try:
            fields = signatures.read_notification(body, key, merchant_id)
        except (ValueError, RecursionError) as error:
            raise InvalidSignature(str(error)[:80]) from error
        reference, code = str(fields["request_id"]), str(fields["response_code"])
        return GatewayEvent(
            f"{reference}:{fields.get('response_id')}:{code}",
            code,
            Subject.PAYMENT,
            reference=reference,
            gateway_reference=reference,
        )

    def _transaction(self, request: PaymentRequest) -> dict[str, str]:
        channel = CHANNELS[request.channel or ""]
        counter = channel.method in COUNTER_METHODS
        page_ends = datetime.now(UTC) + _PAGE_LIFETIME
        ends = request.expires_at if counter else min(request.expires_at, page_ends)
        fields = {
            "request_id": request.reference,
            "notification_url": request.webhook_url,
            "response_url": request.return_url,
            "cancel_url": request.cancel_url,
            "pmethod": channel.method,
            "pchannel": request.channel or "",
            "payment_action": self.settings.counter_action if counter else "url_link",
            "collection_method": "single_pay",
            "amount": request.charge.to_decimal(),
            "currency": request.charge.currency,
            "descriptor_note": _shortened(request.description),
            "payment_notification_status": "1",
            "payment_notification_channel": "1",
            "expiry_limit": ends.astimezone(self.settings.zone).strftime(
                self.settings.expiry_format
            ),
            "trx_type": "sale",
        }
        return self.api.signed(fields, signatures.TRANSACTION)

    def _customer(self, customer: Customer) -> dict[str, str]:
        """Write the customer; both names are required, so a single one stands for both."""
        first, _, last = customer.name.strip().rpartition(" ")
        fields = {
            "fname": (first or last)[:_LONGEST_NAME].strip(),
            "lname": last[:_LONGEST_NAME],
            "mname": "",
            "email": customer.email[:_LONGEST_EMAIL],
            "phone": "",
            "mobile": "",
            "dob": "",
        }
        signature = signatures.sign(signatures.CUSTOMER, fields, self.settings.merchant_key)
        return {**fields, "signature": signature}

    def _result(self, answer: Mapping[str, Any], lookup: PaymentLookup) -> PaymentResult:
        code = str(answer["response_code"])
        if code not in CODES:
            log.warning("unknown_status", gateway=self.code, status=code)
        status, reason = CODES.get(code, (_PENDING, Reason.UNKNOWN_STATUS))
        if code == _FAILED and self.settings.failed_may_recover:
            status, reason = _PENDING, None
        channel = CHANNELS.get(lookup.channel or "")
        return PaymentResult(
            status,
            lookup.reference,
            amount=_amount(answer, lookup.charge),
            own_reference=lookup.reference,
            reason=reason,
            next_action=self._next_action(answer, lookup) if status is _PENDING else None,
            method_detail=channel.label if channel else None,
            raw=scrub(answer),
        )

    def _next_action(self, answer: Mapping[str, Any], lookup: PaymentLookup) -> NextAction | None:
        """Go by what the answer holds: a page, or a number for the counter."""
        if url := answer.get("payment_action_info"):
            return Redirect(str(url))
        counters = answer.get("direct_otc_info")
        counter = counters[0] if isinstance(counters, list) and counters else counters
        if not isinstance(counter, dict):
            return None
        channel = CHANNELS.get(lookup.channel or "")
        where = channel.label if channel else str(counter.get("pay_channel", ""))
        amount = f"{lookup.charge.to_decimal()} {lookup.charge.currency}"
        return ShowInstructions(
            str(counter.get("pay_reference", "")),
            str(counter.get("pay_instructions", "")),
            ((later("Pay at"), where), (later("Amount"), amount)),
            self._moment(answer.get("expiry_limit")),
        )

    def _moment(self, text: object) -> datetime | None:
        try:
            local = datetime.strptime(str(text), self.settings.expiry_format)  # noqa: DTZ007
        except ValueError:
            return None
        return local.replace(tzinfo=self.settings.zone).astimezone(UTC)


def _amount(answer: Mapping[str, Any], asked: Money) -> Money | None:
    """Return what was asked for, unless an answer should say otherwise."""
    if "amount" not in answer:
        return asked
    try:
        return Money.from_decimal(
            str(answer["amount"]), str(answer.get("currency", asked.currency))
        )
    except PortalError:
        return None


def _shortened(text: str) -> str:
    """Cut a note behind its last whole word that fits."""
    return shorten(text, _LONGEST_NOTE, placeholder="") or text[:_LONGEST_NOTE].strip()


def _order(request: PaymentRequest) -> dict[str, Any]:
    amount, nothing = request.charge.to_decimal(), Money(0, request.charge.currency).to_decimal()
    item = {
        "itemname": request.description[:100],
        "quantity": "1",
        "unitprice": amount,
        "totalprice": amount,
    }
    return {
        "orders": [item],
        "subtotalprice": amount,
        "shippingprice": nothing,
        "discountamount": nothing,
        "totalorderamount": amount,
    }
