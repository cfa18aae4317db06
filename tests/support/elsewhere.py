"""What happens to payments without the tab that a test looks at: they come about, they are paid."""

from payments_app.db import ledger
from payments_app.db.models import Account, Payment
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus
from payments_app.gateways.base import PaymentResult
from payments_app.services import settlement
from payments_app.services.context import Portal
from tests.support.factories import make_payment


async def arrive(portal: Portal, account: Account, **columns: object) -> Payment:
    """Let a payment come about, with its first entry in the timeline."""
    columns = {"created_at": portal.clock()} | columns
    payment = await make_payment(portal.db, account, **columns)
    async with portal.db.write() as session:
        row = await ledger.lock_payment(session, payment.key)
        ledger.add_timeline(session, row, portal.clock(), "created", "test")
    return payment


async def complete(portal: Portal, payment: Payment, actor: str = "webhook") -> None:
    """Let it be paid as asked."""
    paid = PaymentResult(
        PaymentStatus.COMPLETED,
        None,
        amount=Money(payment.amount, payment.currency),
        own_reference=payment.reference,
    )
    await settlement.settle(portal, payment.key, paid, actor=actor)
