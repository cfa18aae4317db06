"""The accounts page: the list as it stands on one tab's screen, and the dialog for a new one."""

from secrets import token_hex
from typing import Any

import reflex as rx
import structlog
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from payments_app.domain.errors import InvalidRequest
from payments_app.services import directory
from payments_app.services.catalogues import say
from payments_app.services.context import current
from payments_app.services.directory import AccountRow, NewAccount
from payments_app.state.gate import finance_event, viewer_event
from payments_app.state.session import SessionState
from payments_app.state.staff.paging import Paged
from payments_app.state.topics import watch_topic

log = structlog.get_logger()

LONGEST_SEARCH = 100


class AccountsState(Paged, SessionState):
    """``phase`` is ``loading``, ``ready`` or ``error``."""

    phase: str = "loading"
    error_reference: str = ""
    rows: list[AccountRow] = []
    search_text: str = ""
    form: int = 0
    """Changes when the search is cleared, so that the page draws an empty field."""

    creating: bool = False
    currencies: list[str] = []
    currency: str = ""
    errors: dict[str, str] = {}

    @viewer_event
    async def load(self) -> None:
        """Show the first accounts by name."""
        watch_topic(self.router.session.client_token, directory.TOPIC, AccountsState.refresh)
        self.currencies = list(directory.home_currencies(current()))
        self.creating = False
        self._starts = [None]
        await self._show()

    @viewer_event
    async def refresh(self) -> None:
        """Take in what is new; the server sends this when an account or a balance has changed."""
        if self.phase != "loading":
            await self._show()

    @viewer_event
    async def search(self, text: str) -> None:
        """Narrow the list to names or e-mail addresses that hold the text."""
        if isinstance(text, str) and "\x00" not in text:
            self.search_text, self._starts = text[:LONGEST_SEARCH], [None]
            await self._show()

    @viewer_event
    async def clear(self) -> None:
        """Show all accounts again."""
        self.form += 1
        self.search_text, self._starts = "", [None]
        await self._show()

    @finance_event
    def ask_for_new(self, is_open: bool) -> None:
        """Show or hide the dialog for a new account."""
        self.creating, self.errors = is_open is True, {}
        self.currency = "USD" if "USD" in self.currencies else "".join(self.currencies[:1])

    @finance_event
    def choose_currency(self, code: str) -> None:
        """Choose the new account's home currency."""
        self.currency = code if code in self.currencies else self.currency

    @finance_event(temporal=True)
    async def create(self, form: dict[str, Any]) -> Any:
        """Make the account and open it."""
        who = await self._identity()
        if who is None or not self.creating:
            return None
        try:
            name = form.get("name") if isinstance(form, dict) else None
            new = NewAccount.model_validate({"name": name, "home_currency": self.currency})
            number = await directory.create(current(), who, new, self.router.session.client_ip)
        except (ValidationError, InvalidRequest):
            self.errors = {"name": say("Enter a name of up to 200 characters.")}
            return None
        self.creating = False
        return rx.redirect(f"/staff/accounts/{number}")

    async def _turn_page(self) -> None:
        await self._show()

    async def _show(self) -> None:
        who = await self._identity()
        if who is None:
            return
        try:
            page = await directory.list_page(current(), who, self.search_text, self._starts[-1])
        except SQLAlchemyError:
            self.phase, self.error_reference = "error", token_hex(4).upper()
            log.exception("accounts_failed", error_reference=self.error_reference)
            return
        self.phase, self.rows = "ready", list(page.rows)
        self._found_page(page.next)
