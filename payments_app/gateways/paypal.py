"""PayPal: Orders v2. The customer approves on PayPal's page and we capture.

https://developer.paypal.com/docs/api/orders/v2/ and /docs/api/payments/v2/. The gateway
reference is the order's id. Nothing is charged before the capture, and the capture decides, not the
order: an order is COMPLETED while its capture may still be PENDING.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import httpx
import structlog

from payments_app.domain.errors import PortalError
from payments_app.domain.money import Money, exponent
from payments_app.domain.payment import PaymentStatus, Reason, decline
from payments_app.gateways.base import (
    Gateway,
    GatewayEvent,
    ListedPayment,
    ListedRefund,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
    Redirect,
    RefundRequest,
    RefundResult,
    Subject,
    Takeback,
)
from payments_app.gateways.errors import GatewayRejected, UnknownPayment, Unsupported
from payments_app.gateways.http import Client, load_json, scrub
from payments_app.gateways.paypal_api import PayPalApi, PayPalSettings, issue_of, refusal
from payments_app.gateways.paypal_report import listed, listed_refunds

log = structlog.get_logger()

_PENDING, _DONE, _CANCELLED = (
    PaymentStatus.PENDING,
    PaymentStatus.COMPLETED,
    PaymentStatus.CANCELLED,
)
STATUSES: Final[dict[tuple[str, str], PaymentStatus]] = {
    ("order", "CREATED"): _PENDING,
    ("order", "SAVED"): _PENDING,
    ("order", "PAYER_ACTION_REQUIRED"): _PENDING,
    ("order", "APPROVED"): _PENDING,
    ("order", "COMPLETED"): _PENDING,
    ("order", "VOIDED"): _CANCELLED,
    ("capture", "COMPLETED"): _DONE,
    ("capture", "PARTIALLY_REFUNDED"): _DONE,
    ("capture", "REFUNDED"): _CANCELLED,
    ("capture", "PENDING"): _PENDING,
    ("capture", "DECLINED"): _CANCELLED,
    ("capture", "FAILED"): _CANCELLED,
    ("refund", "COMPLETED"): _DONE,
    ("refund", "PENDING"): _PENDING,
    ("refund", "CANCELLED"): _CANCELLED,
    ("refund", "FAILED"): _CANCELLED,
    ("dispute", "OPEN"): _PENDING,
    ("dispute", "WAITING_FOR_BUYER_RESPONSE"): _PENDING,
    ("dispute", "WAITING_FOR_SELLER_RESPONSE"): _PENDING,
    ("dispute", "UNDER_REVIEW"): _PENDING,
    ("dispute", "OTHER"): _PENDING,
    ("outcome", "RESOLVED_BUYER_FAVOUR"): _DONE,
    ("outcome", "ACCEPTED"): _DONE,
    ("outcome", "RESOLVED_SELLER_FAVOUR"): _CANCELLED,
    ("outcome", "RESOLVED_WITH_PAYOUT"): _CANCELLED,
    ("outcome", "CANCELED_BY_BUYER"): _CANCELLED,
    ("outcome", "DENIED"): _CANCELLED,
    ("outcome", "NONE"): _PENDING,
}
"""Every status that PayPal documents, by the kind of object. For disputes and their outcomes
Completed means that the money is gone. A payment first heard of when all of it was given back is
not credited any more. What is not here is Pending, and logged."""

_OUR_MOVE: Final = frozenset(
    {
        "INTERNATIONAL_WITHDRAWAL",
        "RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION",
        "UNILATERAL",
        "VERIFICATION_REQUIRED",
    }
)
"""Reasons of a PENDING capture that wait for the merchant, in PayPal's own pages."""

_CHOOSE_AGAIN: Final = frozenset({"INSTRUMENT_DECLINED", "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING"})
_READ_AGAIN: Final = frozenset(
    {
        "ORDER_ALREADY_CAPTURED",
        "ORDER_COMPLETION_IN_PROGRESS",
        "ORDER_NOT_APPROVED",
        "PAYER_ACTION_REQUIRED",
    }
)
_WITHOUT_DECIMALS: Final = frozenset({"HUF", "JPY", "TWD"})
_APPROVAL_LINKS: Final = frozenset({"payer-action", "approve", "redirect"})
_LONGEST_DESCRIPTION: Final = 127
_LONGEST_NOTE: Final = 255


class PayPal(Gateway):
    """PayPal's wallet, with redirect and capture on the server."""

    code = "paypal"
    label = "PayPal"
    icon = "wallet"
    Settings = PayPalSettings
    all_currencies = frozenset(
        {
            "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS",
            "INR", "JPY", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "TWD",
            "USD",
        }
    )  # fmt: skip
    repeat_seconds = 6 * 3600
    required_settings = ("client_id", "client_secret", "webhook_id")

    def __init__(self, settings: PayPalSettings, client: Client) -> None:
        super().__init__(settings, client)
        self.api = PayPalApi(settings, client)

    async def probe(self) -> None:
        """Read our webhook's registration, which proves its id as well as the keys."""
        await self.api.ask("GET", f"/v1/notifications/webhooks/{self.api.settings.webhook_id}")

    async def create_payment(self, request: PaymentRequest) -> PaymentResult:
        """Create an order; PayPal remembers the reference, as PayPal-Request-Id, for 6 hours."""
        unit = {
            "custom_id": request.reference,
            "invoice_id": request.reference,
            "description": request.description[:_LONGEST_DESCRIPTION],
            "amount": _amount(request.charge),
        }
        context = {
            "return_url": request.return_url,
            "cancel_url": request.cancel_url,
            "user_action": "PAY_NOW",
            "shipping_preference": "NO_SHIPPING",
        }
        order = {
            "intent": "CAPTURE",
            "purchase_units": [unit],
            "payment_source": {"paypal": {"experience_context": context}},
        }
        return _result(await self.api.ask("POST", "/v2/checkout/orders", request.reference, order))

    async def fetch_payment(self, lookup: PaymentLookup) -> PaymentResult:
        """Read the order. Unsupported without its id: creating it again then finds it."""
        return _result(await self._read_order(lookup))

    def list_payments(self, since: datetime, until: datetime) -> AsyncIterator[ListedPayment]:
        """List what was paid in that time; PayPal's report lags up to three hours behind."""
        return listed(self.api, since, until)

    async def list_refunds(self, since: datetime, until: datetime) -> AsyncIterator[ListedRefund]:
        """List the refunds made in that time, up to three hours late; each one's capture is read,
        which names the payment."""
        async for capture_id, refund in listed_refunds(self.api, since, until):
            reference, order_id = _references(await self._read_capture(capture_id))
            if reference or order_id:
                yield replace(refund, reference=reference, gateway_reference=order_id)

    async def capture_payment(self, lookup: PaymentLookup) -> PaymentResult:
        """Capture the approved order. A means that was declined sends the customer back to choose
        another; any other refusal ends the attempt."""
        path = f"/v2/checkout/orders/{lookup.gateway_reference}/capture"
        status, answer = await self.api.call("POST", path, f"{lookup.reference}C", {})
        if status < httpx.codes.BAD_REQUEST:
            return _result(answer)
        if status != httpx.codes.UNPROCESSABLE_ENTITY:
            raise refusal(status, answer)
        issue = issue_of(answer)
        result = await self.fetch_payment(lookup)
        if issue in _READ_AGAIN or result.status is not _PENDING:
            return result
        again = issue in _CHOOSE_AGAIN
        return replace(
            result,
            capturable=False,
            declined=not again,
            reason=decline(issue.lower()),
            next_action=(_approval(answer) or result.next_action) if again else None,
        )

    async def cancel_payment(self, lookup: PaymentLookup) -> PaymentResult:
        """Cancelled unless there is a capture: an order cannot be voided at PayPal, but nothing is
        charged when we do not capture, and it lapses after 3 hours."""
        order = await self._read_order(lookup)
        result = _result(order)
        if result.status is _PENDING and _capture(order) is None:
            return replace(result, status=_CANCELLED, capturable=False, next_action=None)
        return result

    async def refund(self, request: RefundRequest) -> RefundResult:
        """Refund the order's capture; the reference is kept as PayPal-Request-Id for 45 days."""
        capture = _capture(await self._read_order(request.payment))
        if capture is None:
            raise GatewayRejected("ORDER_NOT_CAPTURED")
        path = f"/v2/payments/captures/{capture['id']}/refund"
        body: dict[str, Any] = {
            "amount": _amount(request.amount),
            "custom_id": request.reference,
        }
        if request.note:
            body["note_to_payer"] = request.note[:_LONGEST_NOTE]
        return _refund_result(await self.api.ask("POST", path, request.reference, body))

    async def fetch_refund(self, request: RefundRequest, gateway_reference: str) -> RefundResult:
        """Read the refund."""
        return _refund_result(
            await self.api.ask("GET", f"/v2/payments/refunds/{gateway_reference}")
        )

    async def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> GatewayEvent:
        """Verify by PayPal's certificate. No event carries a result: PayPal repeats for 3 days, so
        the payment is read afresh. A refund, reversal or dispute names its capture, which is read:
        raises GatewayUnavailable when PayPal does not answer."""
        await self.api.verify(headers, body)
        event = load_json(body)
        kind, resource = event["event_type"], event["resource"]
        subject, takeback = Subject.PAYMENT, None
        match kind.split("."):
            case ["PAYMENT", "CAPTURE", "REFUNDED"]:
                subject, payment = Subject.REFUND, await self._capture_behind(resource)
                takeback = _refunded(resource)
            case ["PAYMENT", "CAPTURE", "REVERSED"]:
                subject, payment = Subject.DISPUTE, await self._capture_behind(resource)
                takeback = _reversed(resource, payment)
            case ["CUSTOMER", "DISPUTE", _]:
                transaction = resource["disputed_transactions"][0]
                subject = Subject.DISPUTE
                payment = await self._read_capture(transaction["seller_transaction_id"])
                takeback = _disputed(resource, payment)
            case ["PAYMENT", "CAPTURE", _]:
                payment = resource
            case ["CHECKOUT", *_]:
                payment = {"order_id": resource.get("order_id") or resource.get("id")}
                payment |= _unit(resource)
            case _:
                return GatewayEvent(event["id"], kind, Subject.OTHER)
        reference, order_id = _references(payment)
        if not (reference or order_id):
            return GatewayEvent(event["id"], kind, Subject.OTHER)
        return GatewayEvent(event["id"], kind, subject, reference, order_id, takeback=takeback)

    async def _read_order(self, lookup: PaymentLookup) -> dict[str, Any]:
        if lookup.gateway_reference is None:
            raise Unsupported("PayPal finds an order by its own id only")
        return await self.api.ask("GET", f"/v2/checkout/orders/{lookup.gateway_reference}")

    async def _capture_behind(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Return the capture that a refund or reversal points at, or the resource if it is one."""
        for link in resource.get("links") or []:
            if link.get("rel") == "up":
                return await self._read_capture(link["href"].rpartition("/")[2])
        return resource

    async def _read_capture(self, capture_id: str) -> dict[str, Any]:
        try:
            return await self.api.ask("GET", f"/v2/payments/captures/{capture_id}")
        except UnknownPayment:
            # Disputes come for all of the PayPal account, also for what was not paid here.
            return {"id": capture_id}


def _status(kind: str, text: str | None) -> PaymentStatus:
    status = STATUSES.get((kind, text or ""))
    if status is None:
        log.warning("unknown_status", gateway=PayPal.code, kind=kind, status=text)
        return _PENDING
    return status


def _amount(money: Money) -> dict[str, str]:
    """Write an amount; forints, yen and Taiwan dollars without decimals.

    https://developer.paypal.com/docs/reports/reference/paypal-supported-currencies/
    """
    text = money.to_decimal()
    if money.currency in _WITHOUT_DECIMALS:
        if money.minor % 10 ** exponent(money.currency):
            raise GatewayRejected("DECIMALS_NOT_SUPPORTED")
        text = text.partition(".")[0]
    return {"currency_code": money.currency, "value": text}


def _money(written: Any) -> Money | None:
    """Read an amount; None when there is none, or none that can be read."""
    try:
        return Money.from_decimal(str(written["value"]), str(written["currency_code"]))
    except (KeyError, TypeError, PortalError):
        return None


def _unit(order: Mapping[str, Any]) -> dict[str, Any]:
    return dict((order.get("purchase_units") or [{}])[0])


def _capture(order: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the order's capture that took the money, or else its last."""
    captures = (_unit(order).get("payments") or {}).get("captures") or []
    taken = (each for each in captures if STATUSES.get(("capture", each["status"])) is _DONE)
    return next(taken, captures[-1] if captures else None)


def _approval(answer: Mapping[str, Any]) -> Redirect | None:
    links = answer.get("links") or []
    return next((Redirect(link["href"]) for link in links if link["rel"] in _APPROVAL_LINKS), None)


def _result(order: Mapping[str, Any]) -> PaymentResult:
    unit, capture = _unit(order), _capture(order)
    result = PaymentResult(
        _status("order", order["status"]),
        order["id"],
        amount=_money(unit.get("amount")),
        own_reference=unit.get("custom_id"),
        reason=None if ("order", order["status"]) in STATUSES else Reason.UNKNOWN_STATUS,
        capturable=order["status"] == "APPROVED",
        raw=scrub(order),
    )
    if capture is None:
        open_ = result.status is _PENDING
        return replace(result, next_action=_approval(order) if open_ else None)
    breakdown = capture.get("seller_receivable_breakdown") or {}
    status = _status("capture", capture["status"])
    return replace(
        result,
        status=status,
        amount=_money(capture.get("amount")),
        fee=_money(breakdown.get("paypal_fee")),
        reason=_why(capture, status),
        capturable=False,
    )


def _why(capture: Mapping[str, Any], status: PaymentStatus) -> str | None:
    detail = (capture.get("status_details") or {}).get("reason")
    if capture["status"] == "REFUNDED":
        return Reason.REVERSED
    if ("capture", capture["status"]) not in STATUSES:
        return Reason.UNKNOWN_STATUS
    match status:
        case PaymentStatus.COMPLETED:
            return None
        case PaymentStatus.CANCELLED:
            return decline(str(detail or capture["status"]).lower())
    return Reason.AWAITING_CONFIRMATION if detail in _OUR_MOVE else Reason.PROVIDER_REVIEW


def _refund_result(refund: Mapping[str, Any]) -> RefundResult:
    status = _status("refund", refund["status"])
    reason = Reason.FAILED if status is _CANCELLED else None
    return RefundResult(status, refund["id"], _money(refund.get("amount")), reason, scrub(refund))


def _references(payment: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return our reference and the order's id, from a capture or an order's unit."""
    related = (payment.get("supplementary_data") or {}).get("related_ids") or {}
    return payment.get("custom_id"), related.get("order_id") or payment.get("order_id")


def _refunded(refund: Mapping[str, Any]) -> Takeback | None:
    amount = _money(refund.get("amount"))
    if amount is None:
        return None
    status = _status("refund", refund.get("status"))
    return Takeback(refund["id"], amount, status, own_reference=refund.get("custom_id"))


def _reversed(resource: Mapping[str, Any], capture: Mapping[str, Any]) -> Takeback | None:
    amount = _money(resource.get("amount"))
    if amount is None:
        return None
    return Takeback(_disputed_id(capture), amount, _DONE, reason=Reason.REVERSED)


def _disputed(dispute: Mapping[str, Any], capture: Mapping[str, Any]) -> Takeback | None:
    outcome = dispute.get("dispute_outcome") or {}
    amount = _money(outcome.get("amount_refunded")) or _money(dispute.get("dispute_amount"))
    if amount is None:
        return None
    if dispute.get("status") == "RESOLVED":
        status = _status("outcome", outcome.get("outcome_code"))
    else:
        status = _status("dispute", dispute.get("status"))
    return Takeback(_disputed_id(capture), amount, status, reason=Reason.DISPUTED)


def _disputed_id(capture: Mapping[str, Any]) -> str:
    """Name what disputes take back from one capture: a lost dispute is told of twice, as RESOLVED
    and as REVERSED, and must take the money once."""
    return f"{capture['id']}-dispute"
