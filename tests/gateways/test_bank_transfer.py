"""Bank transfer: instructions for the customer, patience for staff."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from payments_app.domain.money import Money
from payments_app.domain.payment import REVIEW_REASONS, PaymentStatus, Reason
from payments_app.gateways.bank_transfer import BankTransfer, BankTransferSettings
from payments_app.gateways.base import Customer, PaymentLookup, PaymentRequest, ShowInstructions
from payments_app.gateways.errors import InvalidSignature, Unsupported
from payments_app.gateways.http import Client
from payments_app.sandbox.app import issued_settings

GBP = Money(5000, "GBP")
REQUEST = PaymentRequest(
    reference="P7K2",
    charge=GBP,
    description="Top-up",
    customer=Customer("Ada Byron", "ada@example.com"),
    return_url="http://portal.test/return/P7K2",
    cancel_url="http://portal.test/return/P7K2/cancelled",
    webhook_url="http://portal.test/webhooks/bank_transfer",
    expires_at=datetime(2030, 1, 1, tzinfo=UTC),
)
LOOKUP = PaymentLookup("P7K2", "P7K2", GBP, datetime(2026, 1, 1, tzinfo=UTC))
ACCOUNTS = '{"GBP": {"Account name": "Shop Ltd", "Sort code": "00-11-22"}}'


def connect(accounts: object = ACCOUNTS) -> BankTransfer:
    settings = BankTransferSettings(_env_file=None, accounts=accounts)
    return BankTransfer(settings, Client("bank_transfer"))


async def test_says_where_to_send_the_money() -> None:
    created = [await connect().create_payment(REQUEST) for _ in range(2)]
    assert created[0] == created[1]
    assert created[0].next_action == ShowInstructions(
        "P7K2",
        created[0].next_action.text,
        (("Amount", "50.00 GBP"), ("Account name", "Shop Ltd"), ("Sort code", "00-11-22")),
    )


async def test_waits_for_staff() -> None:
    gateway = connect()
    for result in (await gateway.create_payment(REQUEST), await gateway.fetch_payment(LOOKUP)):
        assert (result.status, result.reason) == (
            PaymentStatus.PENDING,
            Reason.AWAITING_CONFIRMATION,
        )
        assert (result.amount, result.own_reference) == (GBP, "P7K2")
        assert result.gateway_reference == "P7K2"
    assert Reason.AWAITING_CONFIRMATION in REVIEW_REASONS


async def test_nobody_else_can_complete_or_void_it() -> None:
    gateway = connect()
    with pytest.raises(InvalidSignature):
        await gateway.parse_webhook({}, b"{}")
    with pytest.raises(Unsupported):
        await gateway.cancel_payment(LOOKUP)


def test_is_offered_in_the_currencies_of_its_accounts() -> None:
    assert connect().currencies() == {"GBP"}
    assert connect().offered
    without = connect({})
    assert not without.offered
    assert without.missing_settings() == ("BANK_TRANSFER_ACCOUNTS",)


def test_reads_its_accounts_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANK_TRANSFER_ACCOUNTS", ACCOUNTS)
    assert BankTransferSettings(_env_file=None).accounts["GBP"]["Sort code"] == "00-11-22"
    with pytest.raises(ValidationError):
        connect("no JSON")


async def test_the_sandbox_opens_accounts() -> None:
    gateway = connect(issued_settings("http://sandbox.test")["BANK_TRANSFER_ACCOUNTS"])
    assert gateway.currencies() == {"GBP", "USD"}
    for currency in gateway.currencies():
        charge = Money(100, currency)
        action = (await gateway.create_payment(replace(REQUEST, charge=charge))).next_action
        assert isinstance(action, ShowInstructions)
        assert ("Amount", f"1.00 {currency}") in action.lines


async def test_there_is_nobody_to_probe() -> None:
    with pytest.raises(Unsupported):
        await connect().probe()
