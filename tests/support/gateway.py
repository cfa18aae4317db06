"""A gateway in memory, whose provider the test drives and asks what it charged."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace

from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus
from payments_app.gateways.base import (
    Gateway,
    GatewayEvent,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
    Redirect,
    RefundRequest,
    RefundResult,
    Subject,
)
from payments_app.gateways.errors import GatewayUnavailable, InvalidSignature, UnknownPayment
from payments_app.gateways.http import Client
from payments_app.settings import GatewaySettings

KEY = b"till key"


class Till(Gateway):
    """``results`` is the provider's truth by our reference; ``fault`` is raised while it is set.

    ``loses_answer`` does the work of the next creation and then times out.
    """

    code = "till"
    label = "Till"
    icon = "banknote"
    Settings = GatewaySettings
    all_currencies = frozenset({"USD", "GBP", "JPY"})
    required_settings = ()

    def __init__(self, settings: GatewaySettings | None = None) -> None:
        super().__init__(settings or GatewaySettings(), Client("till"))
        self.results: dict[str, PaymentResult] = {}
        self.refunds: dict[str, Money] = {}
        self.created: list[str] = []
        self.fault: Exception | None = None
        self.loses_answer = False

    async def create_payment(self, request: PaymentRequest) -> PaymentResult:
        self._answer()
        if request.reference not in self.results:
            self.created.append(request.reference)
            self.results[request.reference] = PaymentResult(
                PaymentStatus.PENDING,
                f"till-{request.reference}",
                amount=request.charge,
                own_reference=request.reference,
                next_action=Redirect(f"https://till.test/{request.reference}"),
            )
        if self.loses_answer:
            self.loses_answer = False
            raise GatewayUnavailable("timed out after the work was done")
        return self.results[request.reference]

    async def fetch_payment(self, lookup: PaymentLookup) -> PaymentResult:
        self._answer()
        if lookup.reference not in self.results:
            raise UnknownPayment("unknown")
        return self.results[lookup.reference]

    async def cancel_payment(self, lookup: PaymentLookup) -> PaymentResult:
        self._answer()
        if self.results[lookup.reference].status is PaymentStatus.PENDING:
            self.set(lookup.reference, status=PaymentStatus.CANCELLED, declined=False)
        return self.results[lookup.reference]

    async def refund(self, request: RefundRequest) -> RefundResult:
        self._answer()
        self.refunds.setdefault(request.reference, request.amount)
        return RefundResult(PaymentStatus.COMPLETED, f"till-{request.reference}", request.amount)

    async def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> GatewayEvent:
        if not hmac.compare_digest(headers.get("x-till", ""), sign(body)):
            raise InvalidSignature("till")
        message = json.loads(body)
        proof = self.results.get(message["reference"]) if message.get("proof") else None
        return GatewayEvent(
            message["id"], "till.changed", Subject.PAYMENT, message["reference"], result=proof
        )

    def set(self, reference: str, **changes: object) -> None:
        """Change what the provider knows of a payment."""
        self.results[reference] = replace(self.results[reference], **changes)  # type: ignore[arg-type]

    def pay(self, reference: str) -> None:
        """Let the customer pay."""
        self.set(reference, status=PaymentStatus.COMPLETED)

    def _answer(self) -> None:
        if self.fault is not None:
            raise self.fault


def sign(body: bytes) -> str:
    """Sign a webhook as the till does."""
    return hmac.new(KEY, body, hashlib.sha256).hexdigest()


def webhook(event_id: str, reference: str, *, proof: bool = True) -> tuple[dict[str, str], bytes]:
    """Return the headers and body of a signed webhook."""
    body = json.dumps({"id": event_id, "reference": reference, "proof": proof}).encode()
    return {"x-till": sign(body)}, body
