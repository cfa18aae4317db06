"""Paystack: the customer pays on its hosted page; nothing is captured by us.

https://paystack.com/docs/api/. Amounts are integers, hundredths of every currency it takes. Our
reference is unique at Paystack and finds a payment there, so it is the gateway reference as well.
A failed or abandoned payment has no webhook: only a look-up tells.
"""

import asyncio
import hmac
import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Annotated, Any, Final

import httpx
import structlog
from pydantic import SecretStr
from pydantic_settings import NoDecode, SettingsConfigDict

from payments_app.domain.errors import PortalError
from payments_app.domain.money import Money
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

_PENDING, _DONE, _CANCELLED = (
    PaymentStatus.PENDING,
    PaymentStatus.COMPLETED,
    PaymentStatus.CANCELLED,
)
STATUSES: Final[dict[tuple[str, str], PaymentStatus]] = {
    ("payment", "success"): _DONE,
    ("payment", "failed"): _PENDING,
    ("payment", "abandoned"): _PENDING,
    ("payment", "ongoing"): _PENDING,
    ("payment", "pending"): _PENDING,
    ("payment", "processing"): _PENDING,
    ("payment", "queued"): _PENDING,
    ("payment", "reversed"): _CANCELLED,
    ("refund", "pending"): _PENDING,
    ("refund", "processing"): _PENDING,
    ("refund", "needs-attention"): _PENDING,
    ("refund", "processed"): _DONE,
    ("refund", "failed"): _CANCELLED,
    ("dispute", "awaiting-merchant-feedback"): _PENDING,
    ("dispute", "awaiting-bank-feedback"): _PENDING,
    ("dispute", "pending"): _PENDING,
    ("resolution", "merchant-accepted"): _DONE,
    ("resolution", "auto-accepted"): _DONE,
    ("resolution", "declined"): _CANCELLED,
}
"""Every status that Paystack documents, by the kind of object. A failed payment may be tried again
on the open page. For disputes and their resolutions Completed means that the money is gone. A
payment first heard of when it was reversed is not credited any more. What is not here is Pending,
and logged."""

_PAGE: Final = 100
_CLOCK_MARGIN: Final = timedelta(days=1)
"""Our clock and Paystack's may differ."""
_UNKNOWN: Final = "transaction_not_found"


class PaystackSettings(GatewaySettings):
    """The account's secret key, which signs the webhooks as well.

    Which currencies an account takes depends on its country; USD has to be switched on for it.
    """

    model_config = SettingsConfigDict(env_prefix="PAYSTACK_", env_file=".env", extra="ignore")

    secret_key: SecretStr = SecretStr("")
    """The secret key, which signs the webhooks as well."""
    api_base: str = "https://api.paystack.co"
    """Address of the gateway's interface."""
    currencies: Annotated[frozenset[str] | None, NoDecode] = frozenset({"USD"})


class Paystack(Gateway):
    """Paystack's hosted page: cards, banks and mobile money, mostly African."""

    code = "paystack"
    label = "Pay Stack"
    icon = "layers"
    Settings = PaystackSettings
    all_currencies = frozenset({"GHS", "KES", "NGN", "USD", "ZAR"})
    required_settings = ("secret_key",)
    settings: PaystackSettings

    def __init__(self, settings: PaystackSettings, client: Client) -> None:
        super().__init__(settings, client)
        self._refunding = asyncio.Lock()

    async def probe(self) -> None:
        """Read the account's balance."""
        await self._ask("GET", "/balance")

    async def create_payment(self, request: PaymentRequest) -> PaymentResult:
        """Initialize a transaction. Of one that exists only the state can be had, not the page."""
        body = {
            "email": request.customer.email,
            "amount": request.charge.minor,
            "currency": request.charge.currency,
            "reference": request.reference,
            "callback_url": request.return_url,
            "metadata": {"cancel_action": request.cancel_url},
        }
        try:
            data = await self._ask("POST", "/transaction/initialize", body, repeatable=True)
        except GatewayRejected as error:
            if error.code == "duplicate_reference":
                return await self._verify(request.reference)
            raise
        return PaymentResult(
            _PENDING,
            data["reference"],
            amount=request.charge,
            own_reference=data["reference"],
            next_action=Redirect(data["authorization_url"]),
            raw=scrub(data),
        )

    async def fetch_payment(self, lookup: PaymentLookup) -> PaymentResult:
        """Verify the transaction by our reference."""
        return await self._verify(lookup.reference)

    async def list_payments(self, since: datetime, until: datetime) -> AsyncIterator[ListedPayment]:
        """List the transactions started in that time, newest first, paid or not."""
        span = {"perPage": _PAGE, "from": since.isoformat(), "to": until.isoformat()}
        for page in count(1):
            transactions = await self._ask("GET", "/transaction", params=span | {"page": page})
            for data in transactions:
                at = datetime.fromisoformat(data["created_at"])
                if since <= at < until:
                    yield ListedPayment(at, _result(data))
            if len(transactions) < _PAGE:
                return

    async def list_refunds(self, since: datetime, until: datetime) -> AsyncIterator[ListedRefund]:
        """List the refunds made in that time, those of lost disputes included."""
        for refund in await self._refunds(since.isoformat()):
            at, takeback = datetime.fromisoformat(refund["createdAt"]), _refunded(refund)
            if since <= at < until and takeback is not None:
                yield ListedRefund(at, takeback, reference=refund["transaction_reference"])

    async def cancel_payment(self, lookup: PaymentLookup) -> PaymentResult:
        """Return the payment if it was paid; else Unsupported, since a page cannot be closed."""
        result = await self._verify(lookup.reference)
        if result.status is _PENDING:
            raise Unsupported("Paystack keeps its page open")
        return result

    async def refund(self, request: RefundRequest) -> RefundResult:
        """Refund a transaction. Paystack knows no idempotency key here, so the reference goes along
        as the merchant's note and is looked for first."""
        async with self._refunding:
            since = (request.payment.created_at - _CLOCK_MARGIN).isoformat()
            for refund in await self._refunds(since):
                if refund.get("merchant_note") == request.reference:
                    return _refund_result(refund)
            body = {
                "transaction": request.payment.reference,
                "amount": request.amount.minor,
                "currency": request.amount.currency,
                "merchant_note": request.reference,
                "customer_note": request.note or "Refund",
            }
            return _refund_result(await self._ask("POST", "/refund", body))

    async def fetch_refund(self, request: RefundRequest, gateway_reference: str) -> RefundResult:
        """Read the refund."""
        return _refund_result(await self._ask("GET", f"/refund/{gateway_reference}"))

    async def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> GatewayEvent:
        """Verify HMAC-SHA512 of the raw body under the secret key.

        There is no event id: the same kind, object and status is a repeat. No event carries a
        result, since repeats go on for 3 days: the payment is read afresh. A refund event does not
        name its refund, which is looked for: raises GatewayUnavailable when that fails.
        """
        secret = self.settings.secret_key.get_secret_value().encode()
        given = headers.get("x-paystack-signature", "").encode()
        expected = hmac.new(secret, body, "sha512").hexdigest().encode()
        if not secret or not hmac.compare_digest(given, expected):
            raise InvalidSignature("signature does not match")
        event = load_json(body)
        kind, data = event["event"], event["data"]
        match kind.split("."):
            case ["charge", "success"]:
                event_id = f"{kind}:{data['id']}:{data['status']}"
                return GatewayEvent(
                    event_id, kind, Subject.PAYMENT, data["reference"], data["reference"]
                )
            case ["refund", _]:
                return await self._refund_event(kind, data)
            case ["charge", "dispute", _]:
                event_id = f"{kind}:{data['id']}:{data['status']}"
                reference = data["transaction"]["reference"]
                return GatewayEvent(
                    event_id,
                    kind,
                    Subject.DISPUTE,
                    reference,
                    reference,
                    takeback=_disputed(data),
                )
        return GatewayEvent(f"{kind}:{data.get('id')}:{data.get('status')}", kind, Subject.OTHER)

    async def _refund_event(self, kind: str, data: dict[str, Any]) -> GatewayEvent:
        reference, status = data["transaction_reference"], data["status"]
        named = data.get("refund_reference") or data["amount"]
        event_id = f"{kind}:{reference}:{named}:{status}"
        amount = _money(data["amount"], data["currency"])
        payment = await self._ask("GET", f"/transaction/verify/{reference}")
        refunds = [
            refund
            for refund in await self._refunds(payment["created_at"])
            if refund["transaction_reference"] == reference
            and _money(refund["amount"], refund["currency"]) == amount
        ]
        if not refunds:
            raise GatewayUnavailable(f"Paystack does not list the refund of {reference} yet")
        refund = next((each for each in refunds if each["status"] == status), refunds[0])
        subject = Subject.DISPUTE if refund.get("dispute") else Subject.REFUND
        return GatewayEvent(
            event_id, kind, subject, reference, reference, takeback=_refunded(refund)
        )

    async def _verify(self, reference: str) -> PaymentResult:
        return _result(await self._ask("GET", f"/transaction/verify/{reference}"))

    async def _refunds(self, since: str) -> list[dict[str, Any]]:
        """List all refunds since then, newest first; the list can be limited by time only."""
        found: list[dict[str, Any]] = []
        for page in count(1):
            parameters = {"perPage": _PAGE, "page": page, "from": since}
            refunds = await self._ask("GET", "/refund", params=parameters)
            found += refunds
            if len(refunds) < _PAGE:
                break
        return found

    async def _ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        params: dict[str, Any] | None = None,
        repeatable: bool = False,
    ) -> Any:
        """Send one request and return the answer's ``data``.

        ``status: true`` at the top only says that the call worked. Raises GatewayRejected, and
        GatewayUnavailable for an answer that says neither that it worked nor that it did not.
        """
        status, answer = await self.client.json(
            method,
            f"{self.settings.api_base}{path}",
            repeatable=repeatable,
            headers={"Authorization": f"Bearer {self.settings.secret_key.get_secret_value()}"},
            json=body,
            params=params,
        )
        if status < httpx.codes.BAD_REQUEST:
            if answer.get("status") is True:
                return answer["data"]
            if answer.get("status") is not False:
                raise GatewayUnavailable("Paystack sent what cannot be read", retryable=False)
        code = str(answer.get("code") or _slug(str(answer.get("message") or status)))
        log.warning("paystack_refused", code=code)
        if status == httpx.codes.NOT_FOUND or code == _UNKNOWN:
            raise UnknownPayment(code)
        raise GatewayRejected(code)


def _status(kind: str, text: str | None) -> PaymentStatus:
    status = STATUSES.get((kind, text or ""))
    if status is None:
        log.warning("unknown_status", gateway=Paystack.code, kind=kind, status=text)
        return _PENDING
    return status


def _slug(text: str) -> str:
    """Turn Paystack's free words into a code (``Insufficient Funds``: ``insufficient_funds``)."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:60]


def _money(amount: Any, currency: Any) -> Money | None:
    """Read an amount, a number or text; None when there is none, or none that can be read."""
    try:
        return Money(int(str(amount)), str(currency))
    except (ValueError, PortalError):
        return None


def _result(data: Mapping[str, Any]) -> PaymentResult:
    status, failed = _status("payment", data["status"]), data["status"] == "failed"
    reason = Reason.REVERSED if status is _CANCELLED else None
    if ("payment", data["status"]) not in STATUSES:
        reason = Reason.UNKNOWN_STATUS
    return PaymentResult(
        status,
        data["reference"],
        amount=_money(data["amount"], data["currency"]),
        own_reference=data["reference"],
        fee=_money(data.get("fees"), data["currency"]),
        reason=decline(_slug(data.get("gateway_response") or "failed")) if failed else reason,
        declined=failed,
        method_detail=_means(data) if status is _DONE else None,
        raw=scrub(data),
    )


def _means(data: Mapping[str, Any]) -> str | None:
    card = data.get("authorization") or {}
    if data.get("channel") == "card" and card.get("last4"):
        return f"{str(card.get('brand') or 'Card').title()} ending {card['last4']}"
    return str(data.get("channel") or "").replace("_", " ").capitalize() or None


def _refund_result(refund: Mapping[str, Any]) -> RefundResult:
    return RefundResult(
        _status("refund", refund["status"]),
        str(refund["id"]),
        _money(refund["amount"], refund["currency"]),
        _why(refund["status"]),
        scrub(refund),
    )


def _why(status: str) -> str | None:
    """Tell why a refund is not done: the bank failed it, or staff have to name an account."""
    return {"failed": Reason.FAILED, "needs-attention": Reason.AWAITING_CONFIRMATION}.get(status)


def _refunded(refund: Mapping[str, Any]) -> Takeback | None:
    result = _refund_result(refund)
    if result.amount is None or result.gateway_reference is None:
        return None
    note, dispute = str(refund.get("merchant_note") or ""), refund.get("dispute")
    return Takeback(
        _disputed_id(dispute) if dispute else result.gateway_reference,
        result.amount,
        result.status,
        own_reference=note if note.isalnum() else None,
        reason=result.reason,
    )


def _disputed(dispute: Mapping[str, Any]) -> Takeback | None:
    transaction = dispute["transaction"]
    amount = dispute.get("refund_amount") or transaction["amount"]
    money = _money(amount, dispute.get("currency") or transaction["currency"])
    if money is None:
        return None
    if dispute["status"] == "resolved":
        status = _status("resolution", dispute.get("resolution"))
    else:
        status = _status("dispute", dispute["status"])
    return Takeback(_disputed_id(dispute), money, status, reason=Reason.DISPUTED)


def _disputed_id(dispute: Any) -> str:
    """Name what a dispute takes back: a lost one is told of as a refund too, and must take the
    money once."""
    return f"dispute-{dispute['id'] if isinstance(dispute, Mapping) else dispute}"
