"""Erasing the personal data of the account on show, once its name was typed."""

from typing import Any, Final

from payments_app.domain.errors import InvalidRequest
from payments_app.domain.languages import later
from payments_app.services import personal_data
from payments_app.services.catalogues import say
from payments_app.services.context import current
from payments_app.state.gate import owner_event
from payments_app.state.staff.account import AccountState

_NAME: Final = later("Type the name exactly as it stands above.")
_IN_MOTION: Final = later(
    "A payment is Pending, in review, or waits for a second person. Finish it first; then erase."
)


class ErasureState(AccountState):
    """The question before erasing; ``erasure_fault`` says why nothing was erased."""

    asks_to_erase: bool = False
    erasure_fault: str = ""

    @owner_event
    def ask_to_erase(self, asks: bool) -> None:
        """Show or hide the question."""
        self.asks_to_erase, self.erasure_fault = asks is True, ""

    @owner_event(temporal=True)
    async def erase(self, form: dict[str, Any]) -> None:
        """Erase the account's personal data if its name was typed."""
        who = await self._identity()
        if who is None or self.profile is None or not self.asks_to_erase:
            return
        typed = form.get("account_name") if isinstance(form, dict) else None
        if str(typed or "").strip() != self.profile.name:
            self.erasure_fault = say(_NAME)
            return
        address = self.router.session.client_ip
        try:
            await personal_data.erase(current(), who, self.profile.id, address)
        except InvalidRequest:
            self.erasure_fault = say(_IN_MOTION)
            return
        self.asks_to_erase, self.erasure_fault = False, ""
        await self._show()
