"""Bank transfer: the customer is shown our account, and staff confirm what arrived on it.

No machine reports such a payment. It stays Pending, in the staff's review queue, until somebody
has seen the money.
"""

import json
from typing import Annotated

from pydantic import field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from payments_app.domain.languages import later
from payments_app.domain.money import EXPONENTS
from payments_app.domain.payment import PaymentStatus, Reason
from payments_app.gateways.base import (
    Gateway,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
    ShowInstructions,
)
from payments_app.settings import GatewaySettings

_TEXT = later(
    "Transfer exactly this amount and give the reference, so that we can find your payment."
    " Your balance changes as soon as we have seen the money."
)


class BankTransferSettings(GatewaySettings):
    """Our accounts, by currency, each as label and value pairs in the order to show; in the
    environment as JSON: ``{"GBP": {"Account name": "...", "Sort code": "..."}}``."""

    model_config = SettingsConfigDict(env_prefix="BANK_TRANSFER_", env_file=".env", extra="ignore")

    accounts: Annotated[dict[str, dict[str, str]], NoDecode] = {}
    """Our accounts by currency, each as label and value pairs in the order to show."""

    @field_validator("accounts", mode="before")
    @classmethod
    def _read_json(cls, value: object) -> object:
        return json.loads(value) if isinstance(value, str) else value


class BankTransfer(Gateway):
    """Money sent to our bank account. The gateway reference is our own."""

    code = "bank_transfer"
    label = later("Bank Transfer")
    icon = "building-2"
    Settings = BankTransferSettings
    all_currencies = frozenset(EXPONENTS)
    staff_confirmed = True
    lifetime_seconds = 30 * 24 * 3600
    required_settings = ("accounts",)

    settings: BankTransferSettings

    def currencies(self) -> frozenset[str]:
        """Return the currencies that we have an account for."""
        return super().currencies() & self.settings.accounts.keys()

    async def create_payment(self, request: PaymentRequest) -> PaymentResult:
        """Say where to send the money."""
        amount = f"{request.charge.to_decimal()} {request.charge.currency}"
        account = self.settings.accounts[request.charge.currency]
        lines = ((later("Amount"), amount), *account.items())
        return PaymentResult(
            PaymentStatus.PENDING,
            request.reference,
            amount=request.charge,
            own_reference=request.reference,
            reason=Reason.AWAITING_CONFIRMATION,
            next_action=ShowInstructions(request.reference, _TEXT, lines),
        )

    async def fetch_payment(self, lookup: PaymentLookup) -> PaymentResult:
        """Return that the payment waits for staff: nobody else knows."""
        return PaymentResult(
            PaymentStatus.PENDING,
            lookup.reference,
            amount=lookup.charge,
            own_reference=lookup.reference,
            reason=Reason.AWAITING_CONFIRMATION,
        )
