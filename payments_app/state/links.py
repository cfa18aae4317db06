"""The pages behind links sent by e-mail, and the one that asks for such a link."""

from typing import Any, Final

from payments_app.db.access_models import Purpose
from payments_app.domain.errors import InvalidRequest, NotFound, TooManyAttempts
from payments_app.domain.languages import later
from payments_app.services import credentials, wording
from payments_app.services.catalogues import say
from payments_app.services.context import current
from payments_app.state.gate import public_event
from payments_app.state.profile import entries
from payments_app.state.session import SessionState

_DIFFERENT: Final = later("The two entries differ.")
_LONGEST_EMAIL: Final = 254


class LinkState(SessionState):
    """``step`` is ``loading``, ``form``, ``gone`` (the link opens nothing) or ``done``."""

    step: str = "loading"
    invited: bool = False
    email: str = ""
    errors: dict[str, str] = {}

    _token: str = ""

    @public_event
    async def load_reset(self) -> None:
        """Ask for a new password."""
        await self._open(Purpose.RESET)

    @public_event
    async def load_invitation(self) -> None:
        """Ask for the first password."""
        await self._open(Purpose.INVITATION)

    @public_event(temporal=True)
    async def choose(self, form: dict[str, Any]) -> None:
        """Set the password and use the link up."""
        texts = entries(form, "password", "again")
        self.errors = {}
        if texts["password"] != texts["again"]:
            self.errors = {"again": say(_DIFFERENT)}
            return
        address = self.router.session.client_ip
        try:
            await credentials.choose_password(
                current(), self._token, self._purpose(), texts["password"], address
            )
        except InvalidRequest as error:
            self.errors = {"password": wording.poor_password(error.code)}
        except NotFound:
            self.step = "gone"
        else:
            self.step = "done"

    async def _open(self, purpose: Purpose) -> None:
        self._token = self.router.url.path.rstrip("/").rpartition("/")[2]
        self.invited, self.errors = purpose is Purpose.INVITATION, {}
        found = await credentials.holder_of(current(), self._token, purpose)
        self.step, self.email = ("form", found.email) if found else ("gone", "")

    def _purpose(self) -> Purpose:
        return Purpose.INVITATION if self.invited else Purpose.RESET


class ForgotState(SessionState):
    """``sent`` says that a link is on its way, if the address is known: that is not told."""

    sent: bool = False
    fault: str = ""

    @public_event
    def load(self) -> None:
        """Show the empty form."""
        self.sent, self.fault = False, ""

    @public_event(temporal=True)
    async def request(self, form: dict[str, Any]) -> Any:
        """Send the link. The answer comes first, so that it takes as long for unknown addresses."""
        email = entries(form, "email")["email"].strip()
        if "@" not in email or len(email) > _LONGEST_EMAIL or not email.isprintable():
            self.fault = say("Enter your e-mail address.")
            return
        self.sent, self.fault = True, ""
        yield
        try:
            await credentials.request_reset(current(), email, self.router.session.client_ip)
        except TooManyAttempts as error:
            self.sent, self.fault = False, wording.too_many_attempts(error.retry_after)
