"""What a tab is told when an event of its own could not be done: too fast, too busy, or failed."""

from typing import Final

import reflex as rx
import structlog
from reflex.event import EventSpec

from payments_app.domain.errors import DatabaseBusy
from payments_app.domain.languages import later
from payments_app.services.catalogues import say
from payments_app.state.gate import event_reference, notice_event

log = structlog.get_logger()

TOO_FAST: Final = later("That was a lot at once. What you did is not lost; it takes a moment.")
_BUSY: Final = later(
    "The portal is very busy right now. Nothing you typed is lost: try again in a moment. "
    "Reference: {reference}"
)
_FAILED: Final = later(
    "Something went wrong on our side. Nothing you typed is lost. Reference: {reference}"
)
_LONGEST_REPORT: Final = 500


class NoticeState(rx.State):
    """The sentence at the top of the page, empty when there is none."""

    words: str = ""

    @notice_event(reads=True)
    def too_fast(self) -> None:
        """Say that this tab sends more than it may."""
        self.words = say(TOO_FAST)

    @notice_event(reads=True)
    def busy(self, reference: str) -> None:
        """Say that the database has no time for this event now, with what to quote."""
        self.words = say(_BUSY, reference=reference)

    @notice_event(reads=True)
    def failed(self, reference: str) -> None:
        """Say that an event failed, with what to quote."""
        self.words = say(_FAILED, reference=reference)

    @notice_event(reads=True)
    def dismiss(self) -> None:
        """Take the sentence away."""
        self.words = ""


def event_failed(exception: Exception) -> EventSpec:
    """Log a handler's fault with a reference, and show that to the tab."""
    reference = event_reference()
    if isinstance(exception, DatabaseBusy):
        log.error("database_busy", request=reference, cause=str(exception))
        return NoticeState.busy(reference)  # type: ignore[no-any-return]
    log.error("event_failed", request=reference, exc_info=exception)
    return NoticeState.failed(reference)  # type: ignore[no-any-return]


def page_failed(exception: Exception) -> None:
    """Log what a page reports as its fault; it is the sender's text, so it stays on one line."""
    report = str(exception)[:_LONGEST_REPORT]
    text = "".join(letter if letter.isprintable() else " " for letter in report)
    log.warning("page_failed", report=text)
