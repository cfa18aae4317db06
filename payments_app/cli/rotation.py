"""Which secrets may be replaced while the old one still counts."""

import sys
from typing import Final

from pydantic import SecretStr

from payments_app.gateways import registry
from payments_app.settings import Settings

OWN_KEYS: Final = "SECRET_KEYS"
"""The variable of the portal's own keys."""


def rolling_secret(variable: str) -> str:
    """Return the present value of a variable that may hold several secrets; exits for others."""
    if variable == OWN_KEYS:
        return Settings().secret_keys.get_secret_value()
    for gateway in registry.connect({}).values():
        prefix = gateway.settings.model_config.get("env_prefix") or ""
        for name in gateway.rolling_settings:
            if variable == f"{prefix}{name}".upper():
                secret: SecretStr = getattr(gateway.settings, name)
                return secret.get_secret_value()
    sys.exit(
        f"Refused: {variable} takes one secret at a time; set the new one and restart. "
        "A webhook that is refused meanwhile is sent again by its gateway."
    )
