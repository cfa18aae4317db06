"""The demo's history in the books of the sandbox's providers, so that both sides agree."""

from collections.abc import Sequence
from typing import Final

from payments_app.cli import demo_providers
from payments_app.cli.demo_history import Row
from payments_app.cli.demo_providers import Deal, Entered, Turn
from payments_app.db.models import Payment
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind, PaymentStatus, Reason
from payments_app.gateways.base import NextAction, Redirect, ShowInstructions
from payments_app.gateways.paynamics_api import PaynamicsSettings
from payments_app.sandbox.app import Sandbox
from payments_app.services.actions import stored_action

_TURNS: Final = {
    PaymentStatus.COMPLETED: Turn.PAID,
    PaymentStatus.CANCELLED: Turn.GIVEN_UP,
    PaymentStatus.PENDING: Turn.OPEN,
}
_TAKEBACKS: Final = {
    PaymentKind.REFUND: Turn.REFUND,
    PaymentKind.CHARGEBACK: Turn.CHARGEBACK,
}
_AT_THE_COUNTER: Final = "Give the cashier this number and pay the exact amount in cash."


async def enter(sandbox: Sandbox, rows: Sequence[Row]) -> None:
    """Begin the providers' books anew with the demo's payments, and take over what they call them.

    What the providers knew before belonged to another database: this one is empty.
    """
    async with sandbox.store.running():
        await sandbox.store.wipe()
        for gateway in sorted(demo_providers.PROVIDERS):
            own = [row for row in rows if row.payment.gateway == gateway]
            entered = await demo_providers.enter(sandbox, gateway, map(_deal, own))
            for row in own:
                _take_over(row.payment, entered[row.payment.reference])


def _deal(row: Row) -> Deal:
    payment = row.payment
    turn = _TAKEBACKS.get(payment.kind) or _TURNS[payment.status]
    return Deal(
        turn=Turn.PAID_IN_PART if payment.reason == Reason.PARTIALLY_PAID else turn,
        reference=payment.reference,
        money=Money(abs(payment.amount), payment.currency),
        at=payment.created_at.timestamp(),
        description=payment.description,
        means=payment.channel or _test_card(payment.method_detail or ""),
        parent=row.parent.payment.reference if row.parent else "",
        until=_as_paynamics_writes(payment) if turn is Turn.OPEN else "",
    )


def _test_card(label: str) -> str:
    return "pm_card_mastercard" if label.startswith("Mastercard") else "pm_card_visa"


def _as_paynamics_writes(payment: Payment) -> str:
    if payment.expires_at is None or payment.channel is None:
        return ""
    settings = PaynamicsSettings()
    return payment.expires_at.astimezone(settings.zone).strftime(settings.expiry_format)


def _take_over(payment: Payment, entered: Entered) -> None:
    payment.gateway_reference = entered.name
    if payment.status is PaymentStatus.PENDING:
        payment.next_action = stored_action(_how_to_pay(payment, entered))


def _how_to_pay(payment: Payment, entered: Entered) -> NextAction:
    if not entered.number:
        return Redirect(entered.page)
    amount = Money(payment.amount, payment.currency).to_decimal()
    lines = (("Amount", f"{amount} {payment.currency}"),)
    return ShowInstructions(entered.number, _AT_THE_COUNTER, lines, payment.expires_at)
