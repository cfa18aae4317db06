"""Reasons and timelines in plain words for staff, who see what customers are spared."""

from typing import Final

from payments_app.domain.payment import Reason

_REASONS: Final[dict[str, str]] = {
    Reason.DECLINED: "Declined",
    Reason.FAILED: "Failed at the provider",
    Reason.EXPIRED: "The time to pay ran out",
    Reason.ABANDONED: "The provider never heard of it again",
    Reason.CANCELLED_BY_CUSTOMER: "Cancelled by the customer",
    Reason.CANCELLED_BY_STAFF: "Cancelled by staff",
    Reason.REJECTED: "The provider refused to start it",
    Reason.AMOUNT_MISMATCH: "Another amount arrived than asked for",
    Reason.CURRENCY_MISMATCH: "Another currency arrived than asked for",
    Reason.REFERENCE_MISMATCH: "The provider names another reference",
    Reason.PARTIALLY_PAID: "Less arrived than asked for",
    Reason.OVERPAID: "More arrived than asked for",
    Reason.REPEATED_DEPOSIT: "A further deposit arrived",
    Reason.MORE_ARRIVED: "More arrived after it was credited",
    Reason.WRONG_ASSET: "Another coin arrived than asked for",
    Reason.PROVIDER_REVIEW: "The provider is reviewing it",
    Reason.UNKNOWN_STATUS: "The provider reports a status that we do not know",
    Reason.UNKNOWN_OUTCOME: "The provider never said whether it was created there",
    Reason.PAGE_LOST: "The provider's answer with the page to pay on was lost",
    Reason.AWAITING_CONFIRMATION: "Waiting for staff to confirm that the money arrived",
    Reason.REFUND_BY_HAND: "Waiting for staff to send the refund",
    Reason.MISSING_AT_GATEWAY: "The provider does not know it",
    Reason.REVERSED: "The money was taken back",
    Reason.DISPUTED: "Disputed by the payer",
}

_STEPS: Final[dict[str, str]] = {
    "created": "Created",
    "sent_to_gateway": "Sent to the provider",
    "gateway_unavailable": "The provider did not answer",
    "customer_returned": "The customer came back",
    "webhook_received": "The provider sent news",
    "checked": "The provider was asked",
    "declined": "Declined",
    "noted": "Noted",
    "in_review": "Put into review",
    "mismatch": "Put into review: it does not match",
    "as_arrived": "Worth what arrived from now on",
    "completed": "Completed",
    "late_money": "Completed: the money arrived late",
    "cancelled": "Cancelled",
    "cancel_requested": "The customer asked to cancel",
    "refund_requested": "Refund started",
    "assigned": "Assigned",
    "fee_noted": "The provider's fee was noted",
    "payment_approved": "Approved by staff",
    "payment_cancelled": "Cancelled by staff",
    "arrived_credited": "What arrived was credited by staff",
    "review_closed": "Taken out of review",
}


def reason(code: str | None) -> str:
    """Say why a payment is not Completed, with the provider's code where there is one."""
    name, _, detail = (code or "").partition(":")
    told = _REASONS.get(name, name)
    return f"{told} ({detail})" if detail else told


def step(code: str) -> str:
    """Say one entry of a timeline; a code without words stands for itself."""
    return _STEPS.get(code, code)
