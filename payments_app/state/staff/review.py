"""The review page: what waits for staff, live, and what waits for a second person."""

from typing import Final

from payments_app.domain.errors import IllegalTransition, InvalidRequest, NotAllowed, NotFound
from payments_app.domain.languages import later
from payments_app.domain.payment import Role
from payments_app.services import approvals, review_queue, second_person
from payments_app.services.approvals import APPROVALS_TOPIC, Waiting
from payments_app.services.catalogues import say
from payments_app.services.context import current
from payments_app.services.identity import Identity
from payments_app.services.review_queue import QueueRow, Whose
from payments_app.state import live
from payments_app.state.gate import finance_event, viewer_event
from payments_app.state.session import SessionState
from payments_app.state.staff.detail import StaffDetailState
from payments_app.state.topics import watch_topic

_NOT_ANY_MORE: Final = later("Someone else has decided it meanwhile, or it is your own request.")
_NOT_POSSIBLE: Final = later("It is not possible any more: the account or the payment has changed.")
_WHY: Final = later("Say why you decline it.")


class ReviewState(SessionState):
    """The queue as it stands on one tab's screen. ``declining`` is the request to be declined."""

    phase: str = "loading"
    rows: list[QueueRow] = []
    more: bool = False
    requests: list[Waiting] = []
    whose: str = Whose.ALL.value
    may_act: bool = False
    declining: int = 0
    decline_fault: str = ""
    notice: str = ""

    @viewer_event
    async def load(self) -> None:
        """Show the queue and keep it up to date."""
        who = await self._identity()
        if who is None:
            return
        token = self.router.session.client_token
        live.watch(token, ReviewState.payments_changed)
        watch_topic(token, APPROVALS_TOPIC, ReviewState.approvals_changed)
        self.may_act, self.notice, self.declining = who.may(Role.FINANCE), "", 0
        await self._show(who)

    @viewer_event
    async def payments_changed(self, payment_ids: list[int]) -> object:
        """Read the queue anew when what changed is in it, or comes into it."""
        who = await self._identity()
        if who is None or not isinstance(payment_ids, list):
            return None
        fresh = [one.payment for one in live.recent(payment_ids)]
        shown = {row.id for row in self.rows}
        if any(payment.in_review or payment.key in shown for payment in fresh):
            await self._show(who)
        return StaffDetailState.refresh([payment.reference for payment in fresh])

    @viewer_event
    async def approvals_changed(self) -> None:
        """Read anew what waits for a second person."""
        who = await self._identity()
        if who is not None:
            self.requests = list(await approvals.waiting(current(), who))

    @viewer_event
    async def choose(self, whose: str | list[str]) -> None:
        """Show the whole queue, one's own part, or what nobody has taken."""
        who = await self._identity()
        if who is not None and whose in list(Whose):
            self.whose = str(whose)
            await self._show(who)

    @finance_event(temporal=True)
    async def agree(self, number: int) -> None:
        """Do what someone else has asked for."""
        who = await self._identity()
        if who is None:
            return
        try:
            await second_person.agree(current(), who, int(number), self._address())
            self.notice = ""
        except (IllegalTransition, NotAllowed, NotFound):
            self.notice = say(_NOT_ANY_MORE)
        except InvalidRequest:
            self.notice = say(_NOT_POSSIBLE)
        await self._show(who)

    @finance_event
    async def ask_to_decline(self, number: int) -> None:
        """Open or close (0) the field for why a request is declined."""
        self.declining, self.decline_fault = int(number), ""

    @finance_event(temporal=True)
    async def decline(self, form: dict[str, str]) -> None:
        """Decline what someone else has asked for."""
        who = await self._identity()
        if who is None:
            return
        try:
            reason = str(form.get("reason") or "")
            await second_person.decline(current(), who, self.declining, reason, self._address())
            self.declining, self.notice = 0, ""
        except InvalidRequest:
            self.decline_fault = say(_WHY)
        except (IllegalTransition, NotAllowed, NotFound):
            self.declining, self.notice = 0, say(_NOT_ANY_MORE)
        await self._show(who)

    async def _show(self, who: Identity) -> None:
        found = await review_queue.queue(current(), who, Whose(self.whose))
        self.rows, self.more = list(found.rows), found.more
        self.requests = list(await approvals.waiting(current(), who))
        self.phase = "ready"
