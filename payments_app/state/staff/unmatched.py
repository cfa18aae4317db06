"""What belongs to no payment, on the review page."""

from typing import Final

from payments_app.domain.errors import InvalidRequest, NotAllowed, NotFound
from payments_app.domain.languages import later
from payments_app.domain.payment import Role
from payments_app.services import arrivals, unmatched
from payments_app.services.catalogues import say
from payments_app.services.context import current
from payments_app.services.identity import Identity
from payments_app.services.unmatched import Stranger
from payments_app.state.gate import finance_event, viewer_event
from payments_app.state.session import SessionState
from payments_app.state.topics import watch_topic

_WHY: Final = later("Say why you set it aside.")


class UnmatchedState(SessionState):
    """The messages on one tab's screen. ``leaving`` is the one that is about to be set aside."""

    strangers: list[Stranger] = []
    strangers_count: int = 0
    may_set_aside: bool = False
    leaving: int = 0
    fault: str = ""

    @viewer_event
    async def load(self) -> None:
        """Show them and keep them up to date."""
        who = await self._identity()
        if who is None:
            return
        token = self.router.session.client_token
        watch_topic(token, arrivals.TOPIC, UnmatchedState.webhooks_changed)
        self.may_set_aside, self.leaving, self.fault = who.may(Role.FINANCE), 0, ""
        await self._show(who)

    @viewer_event
    async def webhooks_changed(self) -> None:
        """Read them anew; the server sends this when a webhook came or was handled."""
        who = await self._identity()
        if who is not None:
            await self._show(who)

    @finance_event
    async def ask_to_leave(self, number: int) -> None:
        """Open or close (0) the field for why a message is set aside."""
        self.leaving, self.fault = int(number), ""

    @finance_event(temporal=True)
    async def set_aside(self, form: dict[str, str]) -> None:
        """Take a message out of review."""
        who = await self._identity()
        if who is None:
            return
        reason = str(form.get("reason") or "")
        try:
            await unmatched.set_aside(current(), who, self.leaving, reason, self._address())
            self.leaving = 0
        except InvalidRequest:
            self.fault = say(_WHY)
        except (NotAllowed, NotFound):
            self.leaving = 0
        await self._show(who)

    async def _show(self, who: Identity) -> None:
        found = await unmatched.unmatched(current(), who)
        self.strangers, self.strangers_count = list(found.shown), found.count
