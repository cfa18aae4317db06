"""The views that a member of staff has saved, beside the filters of the list of payments."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import reflex as rx

from payments_app.domain.errors import InvalidRequest, NotFound
from payments_app.domain.languages import later
from payments_app.services import saved_views
from payments_app.services.catalogues import Told
from payments_app.services.context import current
from payments_app.services.identity import Identity
from payments_app.services.staff_view import StaffView
from payments_app.state.gate import viewer_event
from payments_app.state.session import SessionState
from payments_app.state.staff.filters import address_of
from payments_app.state.staff.payments import StaffPaymentsState

_FAULTS: Final = Told(
    {
        "required": later("Give it a name."),
        "too_long": later("That name is too long."),
        "too_many": later("You have as many views as can be kept. Delete one first."),
        "taken": later("You have another view of that name."),
    }
)


@dataclass(frozen=True, slots=True)
class View:
    """One saved view; it is on screen when the list's address and hidden columns are these."""

    id: int
    name: str
    address: str
    hidden: str


class SavedViewsState(SessionState):
    """The user's views. ``renaming`` is the one whose name is being typed, 0 for none."""

    views: list[View] = []
    renaming: int = 0
    save_fault: str = ""
    rename_fault: str = ""
    saves: int = 0
    """Counts what was saved, so that the field for the next name is empty."""

    @viewer_event
    async def load(self) -> None:
        """Read the views anew."""
        who = await self._identity()
        if who is not None:
            self.renaming, self.save_fault, self.rename_fault = 0, "", ""
            await self._show(who)

    @viewer_event
    async def open_view(self, number: int) -> Any:
        """Show the list as it was saved: its columns, and by its address the rest."""
        view = next((view for view in self.views if view.id == number), None)
        if view is None:
            return None
        payments = await self.get_state(StaffPaymentsState)
        payments.hidden = view.hidden
        return rx.redirect(view.address)

    @viewer_event
    async def save(self, form: dict[str, Any]) -> None:
        """Save what the list shows under the name that was typed."""
        who = await self._identity()
        if who is None:
            return
        payments = await self.get_state(StaffPaymentsState)
        view = StaffView.from_query(payments.address.partition("?")[2])
        self.save_fault = ""
        try:
            await saved_views.save(current(), who, _name(form), view, payments.hidden)
            self.saves += 1
        except InvalidRequest as error:
            self.save_fault = _FAULTS[error.code]
        await self._show(who)

    @viewer_event
    async def ask_to_rename(self, number: int) -> None:
        """Open or close (0) the field for another name."""
        self.renaming, self.rename_fault = int(number), ""

    @viewer_event
    async def rename(self, form: dict[str, Any]) -> None:
        """Give the view the name that was typed."""
        who = await self._identity()
        if who is None:
            return
        try:
            await saved_views.rename(current(), who, self.renaming, _name(form))
            self.renaming = 0
        except InvalidRequest as error:
            self.rename_fault = _FAULTS[error.code]
        except NotFound:
            self.renaming = 0
        await self._show(who)

    @viewer_event
    async def delete(self, number: int) -> None:
        """Forget a view."""
        who = await self._identity()
        if who is None:
            return
        with suppress(NotFound):  # gone already, in another tab
            await saved_views.delete(current(), who, int(number))
        await self._show(who)

    async def _show(self, who: Identity) -> None:
        self.views = [
            View(view.id, view.name, address_of(view.query), view.hidden)
            for view in await saved_views.views(current(), who)
        ]


def _name(form: dict[str, Any]) -> str:
    return str(form.get("name") or "")
