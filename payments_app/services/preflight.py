"""What live mode refuses to start with: whatever only belongs in the sandbox or on a desk."""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import SecretStr
from sqlalchemy.engine import make_url

from payments_app.db import accounts, own_rows, revisions
from payments_app.gateways.base import Gateway
from payments_app.services.context import Portal
from payments_app.services.sealing import keys_of
from payments_app.settings import SANDBOX_KEY, Settings

_SHORTEST_KEY: Final = 32
_FEWEST_CHARACTERS: Final = 8
_WELL_KNOWN: Final = frozenset({"admin", "changeme", "password", "payments", "portal", "postgres"})


def objections(settings: Settings, gateways: Mapping[str, Gateway]) -> list[str]:
    """Return what is wrong with live mode's settings, each as a sentence; none lets it start."""
    return [*_of_portal(settings), *_of_gateways(gateways)]


def _of_portal(settings: Settings) -> Iterator[str]:
    if not settings.public_url.startswith("https:"):
        yield "PUBLIC_URL must begin with https:, or login cookies travel unencrypted"
    if "*" in settings.public_url:
        yield "PUBLIC_URL must be one address, without *"
    yield from _of_keys(keys_of(settings))
    for name, url in (("DATABASE_URL", settings.database_url), ("REDIS_URL", settings.redis_url)):
        if url and make_url(url).password in _WELL_KNOWN:
            yield f"{name} has a password that everyone knows"


def _of_keys(keys: list[str]) -> Iterator[str]:
    if not keys or len(keys[0]) < _SHORTEST_KEY or len(set(keys[0])) < _FEWEST_CHARACTERS:
        yield (
            f"SECRET_KEYS must begin with a random text of at least {_SHORTEST_KEY} characters: "
            "`python -m payments_app.cli.portal rotate-secret SECRET_KEYS` prints one"
        )
    # Those behind the first only open what was sealed with them; but this one is public.
    if SANDBOX_KEY in keys:
        yield "SECRET_KEYS holds the sandbox's key, which is public"


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
        confined = portal.db.is_sqlite or await own_rows.in_force(session)
    found = []
    if demo:
        found.append(f"the demo data's login {demo} is still there, whose password is public")
    if not confined:
        found.append(
            f"DATABASE_URL's login cannot read as the role {own_rows.ROLE}, which confines "
            "customers to their own rows: docs/operations.md says how to make it"
        )
    return found
