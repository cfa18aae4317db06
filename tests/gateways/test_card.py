"""The card gateway, against Stripe's twin over real HTTP; signatures against a worked example."""

import pytest

from payments_app.gateways.base import ConfirmCard, PaymentResult
from payments_app.gateways.card import Card
from payments_app.sandbox.app import issued_settings
from tests.gateways.contract import GatewayContract
from tests.support.sandbox import RunningSandbox

# The SDK hands raw bytes to HTTPX under a name that HTTPX has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

VISA, DECLINED, NO_FUNDS = "4242424242424242", "4000000000000002", "4000000000009995"


async def confirm(sandbox: RunningSandbox, created: PaymentResult, number: str) -> int:
    """Post what the card fields in the browser post; returns the HTTP status."""
    assert isinstance(created.next_action, ConfirmCard)
    card = {"number": number, "exp_month": "12", "exp_year": "40", "cvc": "123"}
    body = {f"payment_method_data[card][{name}]": text for name, text in card.items()}
    body |= {
        "payment_method_data[type]": "card",
        "payment_method_data[billing_details][email]": "ada@example.com",
        "client_secret": created.next_action.client_secret,
        "key": issued_settings(sandbox.origin)["STRIPE_PUBLISHABLE_KEY"],
    }
    path = f"/stripe/v1/payment_intents/{created.gateway_reference}/confirm"
    return (await sandbox.http.post(path, data=body)).status_code


class TestCard(GatewayContract):
    kind = Card
    creating = "POST /sandbox/stripe/v1/payment_intents"
    secrets = ("secret_key", "webhook_secret")

    async def approve(self, sandbox: RunningSandbox, created: PaymentResult) -> None:
        await confirm(sandbox, created, VISA)

    async def decline(self, sandbox: RunningSandbox, created: PaymentResult) -> None:
        assert await confirm(sandbox, created, NO_FUNDS) == 402

    def private(self, created: PaymentResult) -> tuple[str, ...]:
        assert isinstance(created.next_action, ConfirmCard)
        return (created.next_action.client_secret, VISA)
