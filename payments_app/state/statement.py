"""The dialog of a statement: its days, what it would say, and how to get it."""

from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import ValidationError

from payments_app.domain.languages import later
from payments_app.services import formatting, statements
from payments_app.services.catalogues import say
from payments_app.services.context import current
from payments_app.services.periods import PERIODS, days_of
from payments_app.services.statements import Period, SummaryLine, TooLong
from payments_app.state.gate import customer_event
from payments_app.state.session import SessionState

OTHER_DAYS: Final = "other"
FIRST_SHOWN: Final = "last_month"
_ADDRESS: Final = "/statements/statement.pdf"
_TOO_LONG: Final = later(
    "A statement holds at most {most} payments. "
    "Choose a shorter period, or download the payments as CSV."
)


class StatementState(SessionState):
    """The statement that would be made; ``address`` is where it is, empty for none."""

    is_open: bool = False
    period: str = FIRST_SHOWN
    since: str = ""
    until: str = ""
    lines: list[SummaryLine] = []
    fault: str = ""
    address: str = ""
    told: str = ""

    @customer_event(reads=True)
    async def moved(self, is_open: bool) -> None:
        """Follow the dialog; it opens with last month."""
        self.is_open = is_open is True
        if self.is_open:
            await self._choose(FIRST_SHOWN)

    @customer_event(reads=True)
    async def choose(self, period: str) -> None:
        """Choose a named period, or other days."""
        if period in (OTHER_DAYS, *PERIODS):
            await self._choose(period)

    @customer_event(reads=True)
    async def choose_since(self, day: str) -> None:
        """Set the first day."""
        self.since = str(day)[:10]
        await self._look()

    @customer_event(reads=True)
    async def choose_until(self, day: str) -> None:
        """Set the last day."""
        self.until = str(day)[:10]
        await self._look()

    @customer_event
    async def send(self) -> None:
        """Send the statement to the customer's own address."""
        who, period = await self._identity(), self._period()
        if who is None or period is None or not self.address:
            return
        await statements.send(current(), who, period)
        self.told = say("On its way to {email}", email=who.email)

    async def _choose(self, period: str) -> None:
        who = await self._identity()
        if who is None:
            return
        self.period = period
        if period != OTHER_DAYS:
            today = current().clock().astimezone(formatting.zone_of(who.time_zone)).date()
            since, until = days_of(period, today)
            self.since, self.until = _text(since), _text(until or today)
        await self._look()

    def _period(self) -> Period | None:
        given: dict[str, Any] = {"since": self.since or None, "until": self.until or None}
        try:
            return Period.model_validate(given)
        except ValidationError:
            return None

    async def _look(self) -> None:
        """Say what the statement would hold, or why there is none."""
        who, period = await self._identity(), self._period()
        self.lines, self.address, self.told, self.fault = [], "", "", ""
        if who is None or period is None:
            return
        if period.since and period.until and period.since > period.until:
            self.fault = say("The first day is after the last.")
            return
        try:
            self.lines = list(await statements.summary(current(), who, period))
        except TooLong:
            self.fault = say(_TOO_LONG, most=statements.MOST_ROWS)
        else:
            query = urlencode(period.model_dump(mode="json", exclude_none=True))
            self.address = f"{_ADDRESS}?{query}"


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""
