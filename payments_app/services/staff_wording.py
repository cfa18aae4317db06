"""Reasons and timelines in plain words for staff, who see what customers are spared."""

from typing import Final

from payments_app.domain.languages import later
from payments_app.domain.payment import Reason
from payments_app.services.catalogues import Told

_REASONS: Final = Told[str](
    {
        Reason.DECLINED: later("Declined"),
        Reason.FAILED: later("Failed at the provider"),
        Reason.EXPIRED: later("The time to pay ran out"),
        Reason.ABANDONED: later("The provider never heard of it again"),
        Reason.CANCELLED_BY_CUSTOMER: later("Cancelled by the customer"),
        Reason.CANCELLED_BY_STAFF: later("Cancelled by staff"),
        Reason.REJECTED: later("The provider refused to start it"),
        Reason.AMOUNT_MISMATCH: later("Another amount arrived than asked for"),
        Reason.CURRENCY_MISMATCH: later("Another currency arrived than asked for"),
        Reason.REFERENCE_MISMATCH: later("The provider names another reference"),
        Reason.PARTIALLY_PAID: later("Less arrived than asked for"),
        Reason.OVERPAID: later("More arrived than asked for"),
        Reason.REPEATED_DEPOSIT: later("A further deposit arrived"),
        Reason.MORE_ARRIVED: later("More arrived after it was credited"),
        Reason.WRONG_ASSET: later("Another coin arrived than asked for"),
        Reason.PROVIDER_REVIEW: later("The provider is reviewing it"),
        Reason.UNKNOWN_STATUS: later("The provider reports a status that we do not know"),
        Reason.UNKNOWN_OUTCOME: later("The provider never said whether it was created there"),
        Reason.PAGE_LOST: later("The provider's answer with the page to pay on was lost"),
        Reason.AWAITING_CONFIRMATION: later("Waiting for staff to confirm that the money arrived"),
        Reason.REFUND_BY_HAND: later("Waiting for staff to send the refund"),
        Reason.MISSING_AT_GATEWAY: later("The provider does not know it"),
        Reason.REVERSED: later("The money was taken back"),
        Reason.DISPUTED: later("Disputed by the payer"),
    }
)

_STEPS: Final = Told(
    {
        "created": later("Created"),
        "sent_to_gateway": later("Sent to the provider"),
        "gateway_unavailable": later("The provider did not answer"),
        "customer_returned": later("The customer came back"),
        "webhook_received": later("The provider sent news"),
        "checked": later("The provider was asked"),
        "declined": later("Declined"),
        "noted": later("Noted"),
        "in_review": later("Put into review"),
        "mismatch": later("Put into review: it does not match"),
        "as_arrived": later("Worth what arrived from now on"),
        "completed": later("Completed"),
        "late_money": later("Completed: the money arrived late"),
        "cancelled": later("Cancelled"),
        "cancel_requested": later("The customer asked to cancel"),
        "refund_requested": later("Refund started"),
        "assigned": later("Assigned"),
        "fee_noted": later("The provider's fee was noted"),
        "payment_approved": later("Approved by staff"),
        "payment_cancelled": later("Cancelled by staff"),
        "arrived_credited": later("What arrived was credited by staff"),
        "review_closed": later("Taken out of review"),
    }
)


def reason(code: str | None) -> str:
    """Say why a payment is not Completed, with the provider's code where there is one."""
    name, _, detail = (code or "").partition(":")
    told = _REASONS.get(name, name)
    return f"{told} ({detail})" if detail else told


def step(code: str) -> str:
    """Say one entry of a timeline; a code without words stands for itself."""
    return _STEPS.get(code, code)
