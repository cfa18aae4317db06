"""Who is logged in, as pages show it. Nothing private stands here before the login."""

from typing import Any, Final
from urllib.parse import quote

import reflex as rx

from payments_app.services.identity import Identity
from payments_app.state.gate import LOGIN_PAGE, identity_of, public_event

CUSTOMER_PAGE: Final = "/"
STAFF_PAGE: Final = "/staff"


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

    async def _identity(self) -> Identity | None:
        return await identity_of(self)

    @public_event
    async def load_customer(self) -> Any:
        """Fill in the customer; others go to the login page, which leads back, or to their own."""
        return await self._load(staff=False)

    @public_event
    async def load_staff(self) -> Any:
        """Fill in the member of staff; others go to the login page or to their own pages."""
        return await self._load(staff=True)

    async def _load(self, *, staff: bool) -> Any:
        who = await self._identity()
        if who is None:
            here = self.router.url
            wanted = f"{here.path}?{here.query}" if here.query else here.path
            return rx.redirect(f"{LOGIN_PAGE}?next={quote(wanted)}")
        if who.is_staff != staff:
            return rx.redirect(STAFF_PAGE if who.is_staff else CUSTOMER_PAGE)
        self.user_name, self.user_email = who.name, who.email
        self.role, self.is_staff = who.role.value, who.is_staff
        self.account_name, self.home_currency = who.account_name, who.home_currency
        self.time_zone, self.locale = who.time_zone, who.locale
        return None
