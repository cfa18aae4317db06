"""The staff's list of e-mails."""

from typing import Final

from pydantic import ValidationError

from payments_app.db.outbox import MailState
from payments_app.domain.errors import NotFound
from payments_app.domain.languages import later
from payments_app.domain.payment import Role
from payments_app.services import delivery, mailroom
from payments_app.services.catalogues import say
from payments_app.services.context import current
from payments_app.services.identity import Identity
from payments_app.services.mailroom import MailRow, MailView
from payments_app.state.gate import finance_event, viewer_event
from payments_app.state.payments import ANY
from payments_app.state.session import SessionState
from payments_app.state.staff.paging import Paged
from payments_app.state.topics import watch_topic

MAIL_PAGE: Final = "/staff/mail"
_RETRIED: Final = later("It is being sent again.")
_GONE: Final = later("It has been sent meanwhile.")


class MailroomState(Paged, SessionState):
    """The list as it stands on one tab's screen."""

    phase: str = "loading"
    rows: list[MailRow] = []
    search_text: str = ""
    chosen_state: str = ANY
    narrowed: bool = False
    form: int = 0
    can_act: bool = False
    notice: str = ""

    _view: MailView = MailView()

    @viewer_event
    async def load(self) -> None:
        """Show the newest e-mails."""
        who = await self._identity()
        if who is None:
            return
        self.can_act, self.notice = who.may(Role.FINANCE), ""
        watch_topic(self.router.session.client_token, delivery.TOPIC, MailroomState.mail_changed)
        await self._show(who)

    @viewer_event
    async def mail_changed(self) -> None:
        """Read the list anew; the server sends this when something was sent or was not."""
        who = await self._identity()
        if who is not None and self.router.url.path.rstrip("/") == MAIL_PAGE:
            await self._show(who)

    @viewer_event
    async def search(self, text: str) -> None:
        """Narrow the list to one receiver or one payment."""
        await self._narrow(search=text)

    @viewer_event
    async def choose_state(self, state: str) -> None:
        """Narrow the list to what became of them."""
        await self._narrow(state=None if state == ANY else state)

    @viewer_event
    async def clear(self) -> None:
        """Show all e-mails again."""
        self.form += 1
        await self._narrow(search="", state=None)

    @finance_event(temporal=True)
    async def retry(self, mail_id: int) -> None:
        """Try again to send one e-mail."""
        who = await self._identity()
        if who is None or type(mail_id) is not int:
            return
        try:
            await mailroom.retry(current(), who, mail_id, self._address())
            self.notice = say(_RETRIED)
        except NotFound:
            self.notice = say(_GONE)
        await self._show(who)

    async def _narrow(self, **fields: object) -> None:
        try:
            self._view = MailView.model_validate(self._view.model_dump() | fields)
        except ValidationError:
            return
        self._starts = [None]
        await self._turn_page()

    async def _turn_page(self) -> None:
        who = await self._identity()
        if who is not None:
            self.notice = ""
            await self._show(who)

    async def _show(self, who: Identity) -> None:
        page = await mailroom.mail_page(current(), who, self._view, self._starts[-1])
        self.rows = list(page.rows)
        self._found_page(page.older)
        self.search_text = self._view.search
        self.chosen_state = self._view.state.value if self._view.state else ANY
        self.narrowed = self._view != MailView()
        self.phase = "ready"


STATES: Final = tuple(state.value for state in MailState)
