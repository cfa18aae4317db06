"""What owners set over the environment's settings of the gateways: it counts at once, everywhere.

Whoever is about to use such a setting calls ``refresh`` first, so that no worker has to be told.
"""

from collections.abc import Mapping
from typing import Any, Final

import structlog
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.db import gateways
from payments_app.domain.errors import InvalidRequest
from payments_app.domain.payment import Role
from payments_app.gateways.base import Gateway
from payments_app.gateways.overrides import changed, overlaid
from payments_app.services import audit, gateway_calls
from payments_app.services.audit import Actor
from payments_app.services.context import Portal
from payments_app.services.identity import Identity

log = structlog.get_logger()

_GENERAL: Final = "settings"


async def refresh(portal: Portal) -> None:
    """Take over what owners have set meanwhile, in whichever worker."""
    async with portal.db.read() as session:
        await refresh_in(session, portal)


async def refresh_in(session: AsyncSession, portal: Portal) -> None:
    """Do the same inside the caller's transaction."""
    set_now = await gateways.overrides(session)
    for code, gateway in portal.gateways.items():
        chosen = set_now.get(code, {})
        if chosen != gateway.overrides:
            _apply(gateway, chosen)


def _apply(gateway: Gateway, chosen: Mapping[str, Any]) -> None:
    try:
        gateway.settings = overlaid(gateway, chosen)
    except ValueError:
        # The environment changed so that the two contradict each other: better offer nothing.
        log.exception("gateway_override_invalid", gateway=gateway.code)
        gateway.settings = gateway.configured.model_copy(update={"enabled": False})
    gateway.overrides = dict(chosen)


async def save(
    portal: Portal, who: Identity, code: str, values: Mapping[str, Any], address: str = ""
) -> None:
    """Set a gateway's editable settings; those left out go back to the environment's.

    Raises NotAllowed below owner, NotFound, and InvalidRequest, whose ``code`` is the complaint.
    """
    who.require(Role.OWNER)
    gateway = portal.gateway(code)
    try:
        settings = overlaid(gateway, values)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else _GENERAL
        raise InvalidRequest(field, first["msg"].removeprefix("Value error, ")) from None
    except ValueError as error:
        raise InvalidRequest(_GENERAL, str(error)) from None
    chosen = changed(gateway, settings)
    now = portal.clock()
    async with portal.db.write() as session:
        before = await gateways.set_override(session, code, chosen, now, who.user_id)
        await audit.record(
            session,
            now,
            Actor.of(who, address),
            "gateway_set",
            f"gateway:{code}",
            before=before,
            after=chosen,
        )
    _apply(gateway, chosen)
    await portal.feed.announce(audit.TOPIC)
    await portal.feed.announce(gateway_calls.TOPIC)


async def switch(
    portal: Portal, who: Identity, code: str, *, enabled: bool, address: str = ""
) -> None:
    """Offer a gateway to customers, or no longer; raises what ``save`` raises."""
    who.require(Role.OWNER)
    await refresh(portal)
    chosen = dict(portal.gateway(code).overrides)
    await save(portal, who, code, {**chosen, "enabled": enabled}, address)
