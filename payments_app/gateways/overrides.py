"""What owners may set over the environment's settings of a gateway, held to the same rules."""

from collections.abc import Mapping
from typing import Any, Final

from payments_app.domain.errors import PortalError
from payments_app.domain.money import Money
from payments_app.gateways.base import Gateway
from payments_app.settings import GatewaySettings

EDITABLE: Final = (
    "enabled",
    "order",
    "currencies",
    "minimum",
    "maximum",
    "surcharge_percent",
    "surcharge_fixed",
    "fee_deducted",
)
"""Names of the settings that owners may set: never a key or an address."""


def overlaid(gateway: Gateway, values: Mapping[str, Any]) -> GatewaySettings:
    """Return the environment's settings with ``values`` over them.

    Raises ValueError (pydantic's ValidationError is one) for what the settings' own rules or the
    gateway's currencies forbid.
    """
    if unknown := values.keys() - set(EDITABLE):
        raise ValueError(f"cannot be set here: {', '.join(sorted(unknown))}")
    configured = gateway.configured
    kind = type(configured)
    given = {name: getattr(configured, name) for name in kind.model_fields}
    settings = kind(_env_file=None, **{**given, **values})  # type: ignore[call-arg]
    _check_currencies(gateway, settings)
    return settings


def _check_currencies(gateway: Gateway, settings: GatewaySettings) -> None:
    foreign = (settings.currencies or frozenset()) - gateway.all_currencies
    if foreign:
        raise ValueError(f"{gateway.label} does not take {', '.join(sorted(foreign))}")
    for amounts in (settings.minimum, settings.maximum, settings.surcharge_fixed):
        for currency, amount in amounts.items():
            try:
                Money.from_decimal(amount, currency)
            except PortalError:
                raise ValueError(f"{currency}: {amount} is not an amount of it") from None


def changed(gateway: Gateway, settings: GatewaySettings) -> dict[str, Any]:
    """Return the editable settings that differ from the environment's, as JSON."""
    dumped = settings.model_dump(mode="json", include=set(EDITABLE))
    return {
        name: sorted(value) if isinstance(value, list) else value
        for name, value in dumped.items()
        if getattr(settings, name) != getattr(gateway.configured, name)
    }
