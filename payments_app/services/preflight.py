"""What live mode refuses to start with: whatever only belongs in the sandbox or on a desk."""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import SecretStr
from sqlalchemy.engine import make_url

from payments_app.db import accounts, revisions
from payments_app.gateways.base import Gateway
from payments_app.services.context import Portal
from payments_app.settings import Settings

_WELL_KNOWN: Final = frozenset({"admin", "changeme", "password", "payments", "portal", "postgres"})


def objections(settings: Settings, gateways: Mapping[str, Gateway]) -> list[str]:
    """Return what is wrong with live mode's settings, each as a sentence; none lets it start."""
    return [*_of_portal(settings), *_of_gateways(gateways)]


def _of_portal(settings: Settings) -> Iterator[str]:
    if not settings.public_url.startswith("https:"):
        yield "PUBLIC_URL must begin with https:, or login cookies travel unencrypted"
    if "*" in settings.public_url:
        yield "PUBLIC_URL must be one address, without *"
    if not settings.secret_keys.get_secret_value().strip(" ,"):
        yield "SECRET_KEYS must be a long random text"
    for name, url in (("DATABASE_URL", settings.database_url), ("REDIS_URL", settings.redis_url)):
        if url and make_url(url).password in _WELL_KNOWN:
            yield f"{name} has a password that everyone knows"


def _of_gateways(gateways: Mapping[str, Gateway]) -> Iterator[str]:
    for gateway in gateways.values():
        missing = gateway.missing_settings()
        if gateway.settings.enabled and 0 < len(missing) < len(gateway.required_settings):
            yield f"{' and '.join(missing)} must be set as well, or {gateway.label} cannot be used"
        prefix = gateway.settings.model_config.get("env_prefix") or ""
        for name, value in gateway.settings:
            text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            if "sandbox" in text.lower() and gateway.offered:
                yield f"{f'{prefix}{name}'.upper()} is the sandbox's"
    if not any(gateway.offered for gateway in gateways.values()):
        yield "no gateway has all its settings"


async def stored_objections(portal: Portal) -> list[str]:
    """Return what is wrong with live mode's database, each as a sentence."""
    async with portal.db.read() as session:
        if await revisions.pending(session):
            return ["migrations are pending: run `python -m payments_app.cli.portal migrate`"]
        demo = await accounts.find_reserved_email(session)
    return (
        [f"the demo data's login {demo} is still there, whose password is public"] if demo else []
    )
