"""Who is logged in, as pages show it. Nothing private stands here before the login."""

from typing import Any
from urllib.parse import quote

import reflex as rx

from payments_app.services.identity import Identity
from payments_app.state.gate import LOGIN_PAGE, identity_of, public_event


class SessionState(rx.State):
    """The logged-in user. Pages load it with ``on_load=SessionState.load_session``."""

    user_name: str = ""
    user_email: str = ""
    role: str = ""
    is_staff: bool = False
    account_name: str = ""
    home_currency: str = ""
    time_zone: str = "UTC"
    locale: str = "en"

    async def _identity(self) -> Identity | None:
        return await identity_of(self)

    @public_event
    async def load_session(self) -> Any:
        """Fill in the user, or send the browser to the login page, which leads back here."""
        who = await self._identity()
        if who is None:
            here = self.router.url
            wanted = f"{here.path}?{here.query}" if here.query else here.path
            return rx.redirect(f"{LOGIN_PAGE}?next={quote(wanted)}")
        self.user_name, self.user_email = who.name, who.email
        self.role, self.is_staff = who.role.value, who.is_staff
        self.account_name, self.home_currency = who.account_name, who.home_currency
        self.time_zone, self.locale = who.time_zone, who.locale
        return None
