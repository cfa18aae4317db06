"""What a tab is told when an event of its own could not be done: too fast, or failed."""

import secrets
from typing import Final

import reflex as rx
import structlog
from reflex.event import EventSpec

from payments_app.domain.languages import later
from payments_app.services.catalogues import say
from payments_app.state.gate import public_event

log = structlog.get_logger()

TOO_FAST: Final = later("That was a lot at once. What you did is not lost; it takes a moment.")
_FAILED: Final = later(
    "Something went wrong on our side. Nothing you typed is lost. Reference: {reference}"
)
_LONGEST_REPORT: Final = 500


class NoticeState(rx.State):
    """The sentence at the top of the page, empty when there is none."""

    words: str = ""

    @public_event(reads=True)
    def too_fast(self) -> None:
        """Say that this tab sends more than it may."""
        self.words = say(TOO_FAST)

    @public_event(reads=True)
    def failed(self, reference: str) -> None:
        """Say that an event failed, with what to quote."""
        self.words = say(_FAILED, reference=reference)

    @public_event(reads=True)
    def dismiss(self) -> None:
        """Take the sentence away."""
        self.words = ""


def event_failed(exception: Exception) -> EventSpec:
    """Log a handler's fault with a reference, and show that to the tab."""
    reference = secrets.token_hex(4)
    log.error("event_failed", reference=reference, exc_info=exception)
    return NoticeState.failed(reference)  # type: ignore[no-any-return]


def page_failed(exception: Exception) -> None:
    """Log what a page reports as its fault; it is the sender's text, so it stays on one line."""
    report = str(exception)[:_LONGEST_REPORT]
    text = "".join(letter if letter.isprintable() else " " for letter in report)
    log.warning("page_failed", report=text)
