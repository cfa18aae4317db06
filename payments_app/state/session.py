"""Who is logged in, as pages show it. Nothing private stands here before the login."""

from typing import Any, Final

import reflex as rx

from payments_app.services.identity import Identity
from payments_app.services.sessions import session_topic
from payments_app.services.stamps import form_token
from payments_app.state import live, topics
from payments_app.state.gate import login_address, public_event, sender_of, session_token

CUSTOMER_PAGE: Final = "/"
STAFF_PAGE: Final = "/staff"
PROFILE_PAGE: Final = "/profile"


class SessionState(rx.State):
    """The logged-in user. Pages load it first, with ``load_customer`` or ``load_staff``."""

    user_name: str = ""
    user_email: str = ""
    role: str = ""
    is_staff: bool = False
    account_name: str = ""
    home_currency: str = ""
    time_zone: str = "UTC"
    locale: str = "en"
    viewing: bool = False
    """Whether staff look at the account as its customers do: nothing may be changed."""
    form_token: str = ""
    """What forms that the browser posts itself carry."""
    lacks_second_factor: bool = False
    """Whether a second factor has to be set up before anything else may be done."""

    def _leave_page(self) -> None:
        """End what the page before this one watched."""
        token = self.router.session.client_token
        live.leave(token)
        topics.leave(token)

    def _address(self) -> str:
        """Return where this tab is, for the audit log."""
        return str(self.router.session.client_ip)

    async def _identity(self) -> Identity | None:
        return await sender_of(self)

    @public_event(reads=True)
    async def load_customer(self) -> Any:
        """Fill in the customer; others go to the login page, which leads back, or to their own."""
        return await self._load(staff=False)

    @public_event(reads=True)
    async def load_staff(self) -> Any:
        """Fill in the member of staff; others go to the login page or to their own pages."""
        return await self._load(staff=True)

    @public_event(reads=True)
    async def load_user(self) -> Any:
        """Fill in whoever is logged in, for the user's own page; others go to the login page."""
        self._leave_page()
        who = await self._identity()
        if who is None:
            return rx.redirect(login_address(self))
        if who.read_only:
            return rx.redirect(CUSTOMER_PAGE)
        self._fill_in(who)
        return None

    @public_event(reads=True)
    async def session_changed(self) -> Any:
        """Leave the page when the login session has ended, or shows another kind of page now."""
        who = await self._identity()
        if who is None:
            return rx.redirect(login_address(self))
        if who.is_staff != self.is_staff:
            return rx.redirect(STAFF_PAGE if who.is_staff else CUSTOMER_PAGE)
        return None

    async def _load(self, *, staff: bool) -> Any:
        self._leave_page()
        who = await self._identity()
        if who is None:
            return rx.redirect(login_address(self))
        if who.is_staff != staff:
            return rx.redirect(STAFF_PAGE if who.is_staff else CUSTOMER_PAGE)
        if who.lacks_second_factor:
            return rx.redirect(PROFILE_PAGE)
        self._fill_in(who)
        return None

    def _fill_in(self, who: Identity) -> None:
        self.user_name, self.user_email = who.name, who.email
        self.role, self.is_staff = who.role.value, who.is_staff
        self.account_name, self.home_currency = who.account_name, who.home_currency
        self.time_zone, self.locale = who.time_zone, who.locale
        self.viewing = who.read_only
        self.form_token = form_token(session_token(self.router.headers.cookie))
        self.lacks_second_factor = who.lacks_second_factor
        topics.watch_topic(
            self.router.session.client_token,
            session_topic(who.session_id),
            SessionState.session_changed,
        )
