"""The audit page: the log as it stands on one tab's screen, and the state of its chain."""

from secrets import token_hex
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from payments_app.services import audit, audit_log
from payments_app.services.audit_log import Chain, Line, Search
from payments_app.services.context import current
from payments_app.state.gate import viewer_event
from payments_app.state.session import SessionState
from payments_app.state.staff.paging import Paged
from payments_app.state.topics import watch_topic

log = structlog.get_logger()

_CHECK_AFTER_SECONDS = 60


class AuditState(Paged, SessionState):
    """``phase`` is ``loading``, ``ready`` or ``error``; ``stamp`` changes with each look."""

    phase: str = "loading"
    error_reference: str = ""
    lines: list[Line] = []
    chain: Chain = Chain("", -1, 0, "")
    checking: bool = False
    stamp: int = 0
    actor: str = ""
    action: str = ""
    subject: str = ""
    narrowed: bool = False
    form: int = 0
    """Changes when the filters are set from outside, so that the page draws its fields anew."""
    shown: Line | None = None

    _search: Search = Search()

    @viewer_event
    async def load(self) -> Any:
        """Show the newest rows, and check the chain unless that was just done.

        The address may name a subject.
        """
        watch_topic(self.router.session.client_token, audit.TOPIC, AuditState.refresh)
        subject = self.router.url.query_parameters.get("subject", "")
        self._search, self._starts = Search(), [None]
        self.form += 1
        await self._narrow(subject=subject)
        lately = 0 <= self.chain.age < _CHECK_AFTER_SECONDS
        return None if lately else AuditState.check

    @viewer_event
    async def refresh(self) -> None:
        """Take in what is new; the server sends this when the log has grown."""
        if self.phase != "loading":
            await self._show()

    @viewer_event
    async def search_actor(self, text: str) -> None:
        """Narrow the list to who did it."""
        await self._narrow(actor=text)

    @viewer_event
    async def search_action(self, text: str) -> None:
        """Narrow the list to what was done."""
        await self._narrow(action=text)

    @viewer_event
    async def search_subject(self, text: str) -> None:
        """Narrow the list to what it was done to."""
        await self._narrow(subject=text)

    @viewer_event
    async def clear(self) -> None:
        """Show all rows again."""
        self.form += 1
        await self._narrow(**Search().model_dump())

    @viewer_event
    def open(self, number: int) -> None:
        """Show one row of the page in full."""
        self.shown = next((line for line in self.lines if line.id == number), None)

    @viewer_event
    def moved(self, is_open: bool) -> None:
        """Close the row when Escape is pressed, or beside it."""
        if is_open is not True:
            self.shown = None

    @viewer_event(background=True)
    async def check(self) -> None:
        """Check the whole chain now."""
        async with self:
            if self.checking:
                return
            self.checking = True
        try:
            await audit.check(current())
        finally:
            async with self:
                self.checking = False
                await self._show()

    async def _narrow(self, **fields: str) -> None:
        try:
            self._search = Search.model_validate(self._search.model_dump() | fields)
        except ValidationError:
            return
        self._starts = [None]
        await self._show()

    async def _turn_page(self) -> None:
        await self._show()

    async def _show(self) -> None:
        who = await self._identity()
        if who is None:
            return
        portal = current()
        try:
            page = await audit_log.list_page(portal, who, self._search, self._starts[-1])
            self.chain = await audit_log.chain(portal, who)
        except SQLAlchemyError:
            self.phase, self.error_reference = "error", token_hex(4).upper()
            log.exception("audit_failed", error_reference=self.error_reference)
            return
        self.phase, self.stamp = "ready", self.stamp + 1
        self.lines = list(page.lines)
        self.actor, self.action = self._search.actor, self._search.action
        self.subject, self.narrowed = self._search.subject, self._search.narrowed
        self._found_page(page.older)
