"""Stripe's objects and what the portal makes of them: every status, decline and currency."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from payments_app.domain.money import EXPONENTS, Money
from payments_app.domain.payment import PaymentStatus, Reason
from payments_app.gateways.base import Subject
from payments_app.gateways.card_objects import (
    DISPUTE_STATUSES,
    INTENT_STATUSES,
    REFUND_STATUSES,
    event_of,
    from_stripe,
    payment_result,
    refund_result,
    to_stripe,
)
from payments_app.gateways.errors import GatewayRejected

PENDING, COMPLETED, CANCELLED = PaymentStatus


def intent(status: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "status": status,
        "amount": 5000,
        "amount_received": 5000 if status == "succeeded" else 0,
        "currency": "usd",
        "client_secret": "pi_1_secret_x",
        "metadata": {"reference": "P7K2"},
    } | more


def failed(code: str, decline_code: str | None = None) -> dict[str, Any]:
    error = {"code": code, "decline_code": decline_code}
    return intent("requires_payment_method", last_payment_error=error)


@pytest.mark.parametrize("status", INTENT_STATUSES)
def test_each_status_of_an_intent(status: str) -> None:
    with capture_logs() as logs:
        result = payment_result(intent(status))
    assert result.status is {"succeeded": COMPLETED, "canceled": CANCELLED}.get(status, PENDING)
    assert (result.amount, result.own_reference) == (Money(5000, "USD"), "P7K2")
    assert (result.declined, result.next_action, logs) == (False, None, [])


@pytest.mark.parametrize(
    ("table", "statuses"),
    [
        (
            INTENT_STATUSES,
            "requires_payment_method requires_confirmation requires_action processing "
            "requires_capture canceled succeeded",
        ),
        (REFUND_STATUSES, "pending requires_action succeeded failed canceled"),
        (
            DISPUTE_STATUSES,
            "warning_needs_response warning_under_review warning_closed needs_response "
            "under_review prevented won lost",
        ),
    ],
)
def test_each_status_has_its_row(table: dict[str, PaymentStatus], statuses: str) -> None:
    assert set(table) == set(statuses.split())


def test_unknown_statuses_are_pending_and_logged() -> None:
    with capture_logs() as logs:
        assert payment_result(intent("teleported")).status is PENDING
    assert [(each["log_level"], each["status"]) for each in logs] == [("warning", "teleported")]


@pytest.mark.parametrize(
    ("code", "decline_code", "told"),
    [
        ("card_declined", "generic_decline", "generic_decline"),
        ("card_declined", "insufficient_funds", "insufficient_funds"),
        ("expired_card", None, "expired_card"),
        ("incorrect_cvc", None, "incorrect_cvc"),
        ("processing_error", None, "processing_error"),
        ("payment_intent_authentication_failure", None, "payment_intent_authentication_failure"),
        ("card_declined", "lost_card", "generic_decline"),
        ("card_declined", "stolen_card", "generic_decline"),
        ("card_declined", "pickup_card", "generic_decline"),
        ("card_declined", "fraudulent", "generic_decline"),
        ("card_declined", "merchant_blacklist", "generic_decline"),
    ],
)
def test_declines(code: str, decline_code: str | None, told: str) -> None:
    result = payment_result(failed(code, decline_code))
    assert (result.status, result.declined) == (PENDING, True)
    assert result.reason == f"declined:{told}"


def test_an_earlier_decline_is_forgotten_when_paid() -> None:
    result = payment_result(failed("card_declined") | intent("succeeded"))
    assert (result.status, result.reason, result.declined) == (COMPLETED, None, False)


def test_a_cancelled_intent_tells_why() -> None:
    for why, reason in (
        ("requested_by_customer", Reason.CANCELLED_BY_CUSTOMER),
        ("abandoned", Reason.ABANDONED),
        ("expired", Reason.EXPIRED),
        ("fraudulent", None),
        (None, None),
    ):
        assert payment_result(intent("canceled", cancellation_reason=why)).reason == reason
    declined = payment_result(failed("expired_card") | {"status": "canceled"})
    assert (declined.status, declined.reason) == (CANCELLED, "declined:expired_card")


def test_the_client_secret_goes_out_once_and_only_while_it_is_needed() -> None:
    assert payment_result(intent("requires_payment_method")).next_action is None
    assert payment_result(intent("succeeded"), with_secret=True).next_action is None
    handed = payment_result(intent("requires_payment_method"), with_secret=True)
    assert handed.next_action is not None
    assert "pi_1_secret_x" not in repr(handed)


def test_card_and_fee_of_an_expanded_charge() -> None:
    card = {"brand": "visa", "last4": "4242"}
    charge = {
        "payment_method_details": {"card": card},
        "balance_transaction": {"fee": 175, "currency": "eur"},
    }
    result = payment_result(intent("succeeded", latest_charge=charge))
    assert (result.method_detail, result.fee) == ("Visa ending 4242", Money(175, "EUR"))
    bare = payment_result(intent("succeeded", latest_charge="ch_1"))
    assert (bare.method_detail, bare.fee) == (None, None)


@pytest.mark.parametrize(
    ("money", "units"),
    [
        (Money(5000, "USD"), 5000),
        (Money(150000, "PHP"), 150000),
        (Money(1500, "JPY"), 1500),
        (Money(150000, "HUF"), 150000),
        (Money(1500, "ISK"), 150000),
        (Money(1500, "UGX"), 150000),
        (Money(150000, "MGA"), 1500),
        (Money(1230, "KWD"), 1230),
    ],
)
def test_units(money: Money, units: int) -> None:
    assert to_stripe(money) == units
    assert from_stripe(units, money.currency.lower()) == money


@pytest.mark.parametrize("money", [Money(1231, "KWD"), Money(150001, "MGA")])
def test_amounts_that_stripe_cannot_express(money: Money) -> None:
    with pytest.raises(GatewayRejected, match="invalid_amount"):
        to_stripe(money)


@given(st.integers(1, 10**9), st.sampled_from(sorted(EXPONENTS)))
def test_each_amount_survives_the_way_there_and_back(minor: int, currency: str) -> None:
    money = Money(minor * 100, currency)
    assert from_stripe(to_stripe(money), currency.lower()) == money


def refund(status: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "re_1",
        "status": status,
        "amount": 2000,
        "currency": "usd",
        "payment_intent": "pi_1",
        "metadata": {"reference": "R7K2"},
    } | more


def test_a_refund_that_failed_tells_why() -> None:
    result = refund_result(refund("failed", failure_reason="expired_or_canceled_card"))
    assert (result.status, result.reason) == (CANCELLED, "failed:expired_or_canceled_card")
    assert refund_result(refund("succeeded")).reason is None


def event(kind: str, thing: dict[str, Any]) -> dict[str, Any]:
    return {"id": "evt_1", "type": kind, "data": {"object": thing}}


@pytest.mark.parametrize(
    "kind",
    ["succeeded", "payment_failed", "processing", "requires_action", "canceled", "created"],
)
def test_events_of_an_intent_lead_to_a_look_up(kind: str) -> None:
    read = event_of(event(f"payment_intent.{kind}", intent("succeeded")))
    assert (read.subject, read.event_id) == (Subject.PAYMENT, "evt_1")
    assert (read.reference, read.gateway_reference) == ("P7K2", "pi_1")
    assert (read.result, read.takeback) == (None, None)


@pytest.mark.parametrize("status", REFUND_STATUSES)
@pytest.mark.parametrize(
    "kind", ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"]
)
def test_events_of_a_refund(kind: str, status: str) -> None:
    read = event_of(event(kind, refund(status)))
    assert (read.subject, read.gateway_reference) == (Subject.REFUND, "pi_1")
    assert read.takeback is not None
    assert read.takeback.status is REFUND_STATUSES[status]
    assert read.takeback.amount == Money(2000, "USD")
    assert (read.takeback.gateway_reference, read.takeback.own_reference) == ("re_1", "R7K2")


@pytest.mark.parametrize("status", DISPUTE_STATUSES)
def test_events_of_a_dispute(status: str) -> None:
    read = event_of(event("charge.dispute.closed", refund(status, id="du_1", metadata={})))
    assert read.subject is Subject.DISPUTE
    assert read.takeback is not None
    assert read.takeback.status is DISPUTE_STATUSES[status]
    assert (read.takeback.gateway_reference, read.takeback.own_reference) == ("du_1", None)
    assert read.takeback.reason == Reason.DISPUTED


@pytest.mark.parametrize(
    ("kind", "thing"),
    [
        ("charge.refunded", {"id": "ch_1", "payment_intent": "pi_1"}),
        ("charge.succeeded", {"id": "ch_1", "payment_intent": "pi_1"}),
        ("payout.paid", {"id": "po_1"}),
        ("refund.created", {"id": "re_1", "payment_intent": None}),
        ("charge.dispute.created", {"id": "du_1"}),
        ("customer.created", {}),
    ],
)
def test_other_events(kind: str, thing: dict[str, Any]) -> None:
    read = event_of(event(kind, thing))
    assert (read.subject, read.takeback) == (Subject.OTHER, None)
