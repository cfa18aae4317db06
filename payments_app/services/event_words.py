"""What became of a webhook, in plain words."""

from typing import Final

from payments_app.db.events import EventState

STATES: Final[dict[EventState, str]] = {
    EventState.HANDLED: "Handled",
    EventState.UNMATCHED: "Unmatched",
    EventState.WAITING: "Waiting",
    EventState.DEAD: "Dead letter",
    EventState.REFUSED: "Refused",
}

ADVICE: Final[dict[EventState, str]] = {
    EventState.HANDLED: "It was handled once. Replaying it changes nothing that is done already.",
    EventState.UNMATCHED: (
        "It belongs to no payment of ours. Replay it when the payment is there, or look it up at"
        " the gateway."
    ),
    EventState.WAITING: (
        "Its payment is not known yet, or the gateway did not answer. It is tried again by itself."
    ),
    EventState.DEAD: (
        "It was tried many times in vain and is left to you. Replay it when the cause is gone."
    ),
    EventState.REFUSED: (
        "Its signature does not prove that the gateway sent it, so it is kept but never handled."
        " If all of a gateway's are refused, compare the webhook secret with the gateway's."
    ),
}

EMPTIED: Final = (
    "Its content was removed when the time that it is kept for was over, or when its account's"
    " personal data was erased, so it cannot be replayed. Open the payment and ask the provider"
    " instead."
)

_OUTCOMES: Final[dict[str, str]] = {
    "completed": "Completed the payment",
    "cancelled": "Cancelled the payment",
    "noted": "Noted on the payment",
    "unchanged": "Changed nothing: known already",
    "mismatch": "Amount, currency or reference differ: in review",
    "refused": "Refused: the payment is finished",
    "not needed": "Not needed: about no payment",
    "unmatched": "No such payment here",
    "set aside": "Set aside by staff",
    "waiting": "Not done yet, tried again later",
    "dead letter": "Given up after many tries",
    "replayed": "Sent round again",
}


def outcome(code: str | None) -> str:
    """Say what a webhook did; what no table knows is shown as it is stored."""
    if not code:
        return "Just arrived"
    known = _OUTCOMES.get(code)
    if known is not None:
        return known
    head, _, why = code.partition(": ")
    return f"Not genuine: {why}" if head == "refused" else code
