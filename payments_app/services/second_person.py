"""What the second person decides: do it, or not."""

from payments_app.db.approval_models import ApprovalRequest
from payments_app.domain.errors import NotAllowed, NotFound
from payments_app.domain.money import Money
from payments_app.domain.payment import Role
from payments_app.services import approvals, audit, manual, staff_refunds
from payments_app.services.audit import Actor
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.review import Decision, check_reason
from payments_app.services.staff_refunds import RefundOrder


async def agree(portal: Portal, who: Identity, number: int, address: str = "") -> str:
    """Do what a request asks for and return the payment's reference.

    The request is marked in the commit of the payment. Raises NotFound, NotAllowed for the one who
    asked, IllegalTransition when it is decided, InvalidRequest when it is not possible any more.
    """
    who.require(Role.FINANCE)
    request = await _read(portal, who, number)
    if request.action == staff_refunds.REFUND:
        decision = Decision(who, str(request.order["reference"]), request.reason, address)
        amount = Money(-request.amount, request.currency)
        order = RefundOrder(decision, amount, f"request-{number}")
        return await staff_refunds.give_back(portal, order, request.reason, number)
    entry = manual.read_entry(request.order)
    return await manual.book(portal, who, entry, Actor.of(who, address), number)


async def decline(
    portal: Portal, who: Identity, number: int, reason: str, address: str = ""
) -> None:
    """Decide that a request is not done; raises as ``agree`` does."""
    text = check_reason(reason)
    async with portal.db.write() as session:
        request = await approvals.take(session, portal, who, number, approved=False)
        await audit.record(
            session,
            portal.clock(),
            Actor.of(who, address),
            "approval_declined",
            request.subject,
            after={"request": number, "why": text},
        )
    await portal.feed.announce(approvals.APPROVALS_TOPIC)


async def _read(portal: Portal, who: Identity, number: int) -> ApprovalRequest:
    async with portal.db.read() as session:
        request = await session.get(ApprovalRequest, number)
    if request is None:
        raise NotFound(f"request {number}")
    if request.requested_by == who.user_id:
        raise NotAllowed("a second person has to decide")
    return request
