"""What became of a webhook, in plain words."""

from typing import Final

from payments_app.db.events import EventState
from payments_app.domain.languages import later
from payments_app.services.catalogues import Told, say

STATES: Final = Told(
    {
        EventState.HANDLED: later("Handled"),
        EventState.UNMATCHED: later("Unmatched"),
        EventState.WAITING: later("Waiting"),
        EventState.DEAD: later("Dead letter"),
        EventState.REFUSED: later("Refused"),
    }
)

ADVICE: Final = Told(
    {
        EventState.HANDLED: later(
            "It was handled once. Replaying it changes nothing that is done already."
        ),
        EventState.UNMATCHED: (
            later(
                "It belongs to no payment of ours. Replay it when the payment is there, or "
                "look it up at"
                " the gateway."
            )
        ),
        EventState.WAITING: (
            later(
                "Its payment is not known yet, or the gateway did not answer. It is tried "
                "again by itself."
            )
        ),
        EventState.DEAD: (
            later(
                "It was tried many times in vain and is left to you. Replay it when the cause "
                "is gone."
            )
        ),
        EventState.REFUSED: (
            later(
                "Its signature does not prove that the gateway sent it, so it is kept but "
                "never handled."
                " If all of a gateway's are refused, compare the webhook secret with the gateway's."
            )
        ),
    }
)

EMPTIED: Final = later(
    "Its content was removed when the time that it is kept for was over, or when its account's"
    " personal data was erased, so it cannot be replayed. Open the payment and ask the provider"
    " instead."
)

_OUTCOMES: Final = Told(
    {
        "completed": later("Completed the payment"),
        "cancelled": later("Cancelled the payment"),
        "noted": later("Noted on the payment"),
        "unchanged": later("Changed nothing: known already"),
        "mismatch": later("Amount, currency or reference differ: in review"),
        "refused": later("Refused: the payment is finished"),
        "not needed": later("Not needed: about no payment"),
        "unmatched": later("No such payment here"),
        "set aside": later("Set aside by staff"),
        "waiting": later("Not done yet, tried again later"),
        "dead letter": later("Given up after many tries"),
        "replayed": later("Sent round again"),
    }
)


def outcome(code: str | None) -> str:
    """Say what a webhook did; what no table knows is shown as it is stored."""
    if not code:
        return say("Just arrived")
    known = _OUTCOMES.get(code)
    if known is not None:
        return known
    head, _, why = code.partition(": ")
    return say("Not genuine: {why}", why=why) if head == "refused" else code
