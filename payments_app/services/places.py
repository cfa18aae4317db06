"""Where a user is: the locale of words and figures, and the time zone of dates."""

from dataclasses import replace
from typing import Final
from zoneinfo import available_timezones

from sqlmodel import col, update

from payments_app.db.models import User
from payments_app.domain.languages import preferred, speaks
from payments_app.services.catalogues import speak
from payments_app.services.context import Portal
from payments_app.services.identity import Identity

LOCALE_COOKIE: Final = "locale"
"""Holds the locale of a browser's pages; scripts read it, so that nothing is drawn in another."""
_PICKED: Final = "."


def cookie_value(locale: str, *, picked: bool) -> str:
    """Return the cookie of a locale; ``picked`` when somebody chose it who is not logged in."""
    return f"{locale}{_PICKED}" if picked else locale


def locale_in(cookie: str) -> str:
    """Return the locale of a cookie, empty for none that the portal speaks."""
    locale = cookie.removesuffix(_PICKED)
    return locale if locale and speaks(locale) else ""


def speak_with(who: Identity | None, cookie: str, accept_language: str) -> Identity | None:
    """Speak from here on as this browser's pages do, and return the user with that locale.

    The browser's cookie comes first: a user's other browsers may speak other languages.
    """
    locale = locale_in(cookie) or (who.locale if who else preferred(accept_language))
    speak(locale)
    return replace(who, locale=locale) if who and who.locale != locale else who


async def choose(portal: Portal, who: Identity, *, locale: str = "", time_zone: str = "") -> None:
    """Keep what a user chose; what is empty or unknown leaves things as they are."""
    chosen = {}
    if locale and speaks(locale):
        chosen["locale"] = locale
    if time_zone in available_timezones():
        chosen["time_zone"] = time_zone
    if chosen:
        async with portal.db.write() as session:
            await session.execute(update(User).where(col(User.id) == who.user_id).values(chosen))


async def arrive(
    portal: Portal, who: Identity, cookie: str, browsers_locale: str, time_zone: str
) -> str:
    """Settle the places of a user who logged in and return the locale.

    What was picked on the login page counts; what was never chosen is taken from the browser.
    """
    picked = locale_in(cookie) if cookie.endswith(_PICKED) else ""
    async with portal.db.read() as session:
        user = await session.get_one(User, who.user_id)
    locale = picked or user.locale or locale_in(cookie) or browsers_locale
    await choose(
        portal,
        who,
        locale=locale if locale != user.locale else "",
        time_zone="" if user.time_zone else time_zone,
    )
    return locale
