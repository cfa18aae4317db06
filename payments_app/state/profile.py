"""The user's own page: where one is logged in, the password, the second factor."""

from contextlib import suppress
from typing import Any, Final

from payments_app.domain.errors import InvalidRequest, NotAllowed, NotFound, TooManyAttempts
from payments_app.domain.languages import later
from payments_app.services import credentials, second_factor, sessions, wording
from payments_app.services.catalogues import say
from payments_app.services.context import current
from payments_app.services.sessions import OwnSession
from payments_app.state.gate import user_event
from payments_app.state.session import SessionState

_WRONG_CODE: Final = later("This code is not right. Use the newest one; each counts once.")
_DIFFERENT: Final = later("The two entries differ.")
_PRESENT: Final = later("This is not your present password.")
_CHANGED: Final = later("Your password is changed. You are logged out everywhere else.")


class ProfileState(SessionState):
    """``secret``, ``picture`` and ``app_address`` are there while a second factor is set up;
    ``codes`` are shown once, right after."""

    sessions: list[OwnSession] = []
    factor_on: bool = False
    codes_left: int = 0
    secret: str = ""
    picture: str = ""
    app_address: str = ""
    codes: list[str] = []
    errors: dict[str, str] = {}
    notice: str = ""
    form: int = 0
    """Changes when a form was sent with success, so that the page draws empty fields."""

    @user_event
    async def load(self) -> None:
        """Show how everything stands."""
        self._forget_key()
        self.codes, self.errors, self.notice = [], {}, ""
        await self._show()

    @user_event(temporal=True)
    async def sign_out(self, session_id: int) -> None:
        """End one other session."""
        who = await self._identity()
        if who is None or not isinstance(session_id, int) or session_id == who.session_id:
            return
        with suppress(NotFound):  # it may have ended meanwhile
            await sessions.sign_out(current(), who, session_id, self.router.session.client_ip)
        await self._show()

    @user_event(temporal=True)
    async def sign_out_elsewhere(self) -> None:
        """End all sessions but this one."""
        who = await self._identity()
        if who is not None:
            await sessions.sign_out_elsewhere(current(), who, self.router.session.client_ip)
            await self._show()

    @user_event(temporal=True)
    async def change_password(self, form: dict[str, Any]) -> None:
        """Set another password."""
        who = await self._identity()
        if who is None:
            return
        texts = entries(form, "present", "password", "again")
        self.errors, self.notice = {}, ""
        if texts["password"] != texts["again"]:
            self.errors = {"again": say(_DIFFERENT)}
            return
        address = self.router.session.client_ip
        try:
            await credentials.change_password(
                current(), who, texts["present"], texts["password"], address
            )
        except TooManyAttempts as error:
            self.errors = {"present": wording.too_many_attempts(error.retry_after)}
        except InvalidRequest as error:
            words = say(_PRESENT) if error.field == "present" else wording.poor_password(error.code)
            self.errors = {error.field: words}
        else:
            self.notice = say(_CHANGED)
            self.form += 1
            await self._show()

    @user_event
    async def set_factor_up(self) -> None:
        """Show a new key for an authenticator app."""
        who = await self._identity()
        if who is not None and not self.factor_on:
            enrolment = second_factor.enrol(current(), who)
            self.secret, self.picture = enrolment.secret, enrolment.picture
            self.app_address = enrolment.address
            self.errors, self.codes = {}, []

    @user_event
    def leave_factor(self) -> None:
        """Put the key or the recovery codes away."""
        self._forget_key()
        self.codes, self.errors = [], {}

    @user_event(temporal=True)
    async def turn_factor_on(self, form: dict[str, Any]) -> None:
        """Turn the second factor on with the password and the app's first code."""
        who = await self._identity()
        if who is None or not self.secret:
            return
        texts, address = entries(form, "confirm", "code"), self.router.session.client_ip
        try:
            codes = await second_factor.turn_on(
                current(), who, texts["confirm"], self.secret, texts["code"], address
            )
        except TooManyAttempts as error:
            self.errors = {"confirm": wording.too_many_attempts(error.retry_after)}
            return
        except InvalidRequest as error:
            wrong = {"present": ("confirm", _PRESENT)}.get(error.field, ("code", _WRONG_CODE))
            self.errors = {wrong[0]: say(wrong[1])}
            return
        self._forget_key()
        self.codes, self.errors = list(codes), {}
        await self._show()

    @user_event(temporal=True)
    async def turn_factor_off(self, form: dict[str, Any]) -> None:
        """Turn the second factor off with one of its codes."""
        who = await self._identity()
        if who is None or not self.factor_on:
            return
        code, address = entries(form, "code")["code"], self.router.session.client_ip
        try:
            await second_factor.turn_off(current(), who, code, address)
        except TooManyAttempts as error:
            self.errors = {"code": wording.too_many_attempts(error.retry_after)}
        except InvalidRequest:
            self.errors = {"code": say(_WRONG_CODE)}
        except NotAllowed:
            self.errors = {"code": say("Staff need two-factor here.")}
        else:
            self.errors = {}
            self.form += 1
            await self._show()

    def _forget_key(self) -> None:
        self.secret = self.picture = self.app_address = ""

    async def _show(self) -> None:
        who = await self._identity()
        if who is None:
            return
        portal = current()
        self.sessions = list(await sessions.own_sessions(portal, who))
        standing = await second_factor.standing(portal, who)
        self.factor_on, self.codes_left = standing.on, standing.codes_left


def entries(form: object, *names: str) -> dict[str, str]:
    """Return the named entries of a sent form, empty where there is no text."""
    sent = form if isinstance(form, dict) else {}
    return {name: text if isinstance(text := sent.get(name), str) else "" for name in names}
