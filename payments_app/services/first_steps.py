"""What is left to do before every gateway brings in money, for staff; in the end nothing."""

from dataclasses import dataclass

from payments_app.db import first_steps
from payments_app.domain.payment import Role
from payments_app.gateways.base import Gateway
from payments_app.services.context import Portal
from payments_app.services.identity import Identity


@dataclass(frozen=True, slots=True)
class GatewaySteps:
    """How far a gateway is set up. ``missing`` are variables of the environment; ``webhook`` is the
    address to enter at the gateway while no webhook has come from it, else empty."""

    code: str
    label: str
    icon: str
    missing: tuple[str, ...]
    webhook: str
    paid: bool


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """What is left. ``gateways`` are those with a step to go, in the order customers see them."""

    needs_account: bool
    needs_mail: bool
    gateways: tuple[GatewaySteps, ...]

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return not (self.needs_account or self.needs_mail or self.gateways)


async def left(portal: Portal, who: Identity) -> FirstSteps:
    """Return what is left to set up; raises NotAllowed for customers."""
    who.require(Role.VIEWER)
    wanted = [gateway for gateway in portal.gateways.values() if gateway.settings.enabled]
    async with portal.db.read() as session:
        steps = [
            _steps(
                portal,
                gateway,
                heard=await first_steps.has_webhook(session, gateway.code),
                paid=await first_steps.has_completed(session, gateway.code),
            )
            for gateway in sorted(wanted, key=lambda one: one.settings.order)
        ]
        needs_account = not await first_steps.has_account(session)
    return FirstSteps(
        needs_account=needs_account,
        needs_mail=portal.settings.live and not portal.settings.smtp_host,
        gateways=tuple(one for one in steps if one.missing or one.webhook or not one.paid),
    )


def _steps(portal: Portal, gateway: Gateway, *, heard: bool, paid: bool) -> GatewaySteps:
    address = f"{portal.settings.public_url}/webhooks/{gateway.code}"
    # The sandbox knows the portal's address by itself.
    reached = heard or gateway.staff_confirmed or not portal.settings.live
    return GatewaySteps(
        code=gateway.code,
        label=gateway.label,
        icon=gateway.icon,
        missing=tuple(sorted(gateway.missing_settings())),
        webhook="" if reached else address,
        paid=paid,
    )
