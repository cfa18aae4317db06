"""Every setting of the portal, read from the environment, with safe defaults.

What belongs to one gateway (keys, addresses, limits) is declared beside it, in its own file under
``gateways/``, as a subclass of ``GatewaySettings``.
"""

import os
import re
from decimal import Decimal
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_AMOUNT: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?")
_MOST_PERCENT: Final = 100
SANDBOX_KEY: Final = "sandbox"
"""What seals stored secrets where SECRET_KEYS is not set; live mode refuses it."""
SECRETS_DIR: Final = os.environ.get("SECRETS_DIR")
"""A folder of files, each named like a setting and holding its value, as containers mount secrets;
the environment goes before it."""


class Mode(StrEnum):
    """``sandbox`` brings all gateways as a local server; ``live`` talks to the real ones."""

    SANDBOX = "sandbox"
    LIVE = "live"


class MailSecurity(StrEnum):
    """How the connection to the mail server is encrypted; ``none`` is for one on this machine."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class Settings(BaseSettings):
    """The portal's own settings; each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(
        env_file=".env",
        extra="ignore",
        secrets_dir=SECRETS_DIR,
        use_attribute_docstrings=True,
    )

    portal_mode: Mode = Mode.SANDBOX
    """`sandbox` brings all gateways as a local server, `live` talks to the real ones."""
    portal_name: str = "Northwind Voice"
    """The name on the pages and in e-mails."""
    portal_address: str = ""
    """Postal address and tax number for receipts; ``|`` ends a line."""
    host: str = "127.0.0.1"
    """The address to listen on; `0.0.0.0` to be reached from other machines."""
    port: int = Field(default=3000, ge=1, le=65535)
    """The port to listen on."""
    public_url: str = ""
    """Address under which browsers and gateways reach the portal; empty: localhost."""
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()
    """Addresses or networks, comma separated, of the proxies in front: what one of these connects
    with is believed about the browser's address (``X-Forwarded-For``); empty: nothing is."""
    data_dir: Path = Path("var")
    """The folder for what the portal keeps in files."""
    database_url: str = ""
    """SQLAlchemy address (``sqlite+aiosqlite://`` or ``postgresql+asyncpg://``)."""
    database_connections: int = Field(default=10, ge=1, le=1000)
    """Connections to the database that each worker keeps at most, for all its requests and tabs."""
    database_wait_seconds: float = Field(default=5.0, gt=0)
    """How long a request waits for a free connection."""
    database_lock_seconds: float = Field(default=5.0, gt=0)
    """How long a statement waits for rows that another holds, or on SQLite for others' writes."""
    database_statement_seconds: float = Field(default=15.0, gt=0)
    """How long a statement may take (PostgreSQL), but for exports and checks of the books."""
    redis_url: str = ""
    """What several workers share (``redis://`` or ``rediss://``); empty: this is the only one."""
    workers: int = Field(default=1, ge=1, le=64)
    """Processes that serve on this machine."""
    sandbox_url: str = ""
    """Address of a sandbox running on its own; empty: the portal brings it at /sandbox."""
    secret_keys: SecretStr = SecretStr("")
    """Texts, comma separated, that stored secrets are sealed with; live mode needs 32 letters."""
    staff_two_factor: bool = False
    """Let staff do nothing before they have set up a second factor."""
    session_idle_seconds: int = 2 * 3600
    """A login ends after this long without use."""
    session_lifetime_seconds: int = 14 * 24 * 3600
    """A login ends after this long, used or not."""
    payment_lifetime_seconds: int = 3 * 3600
    """A Pending top-up is given up after this long, unless its gateway says otherwise."""
    second_person_above: dict[str, str] = {}
    """Refunds and payments by hand above this many units of a currency need a second member of
    staff, as JSON (``{"USD": "500.00"}``); a currency that is not named has no limit."""
    sweep_interval_seconds: float = Field(default=5.0, gt=0)
    """How often due payments are asked about at their gateways."""
    webhook_body_limit: int = 256 * 1024
    """Bytes of a webhook above which it is refused."""
    raw_events_days: int = Field(default=90, ge=1, le=3650)
    """Days after which headers and body of a handled webhook are removed; what it did stays."""
    smtp_host: str = ""
    """The mail server; empty: the sandbox's mailbox, and in live mode e-mails wait."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    """The mail server's port."""
    smtp_security: MailSecurity = MailSecurity.STARTTLS
    """How the connection to it is encrypted: `starttls`, `tls` or `none`."""
    smtp_user: str = ""
    """The user there; empty: without a log-in."""
    smtp_password: SecretStr = SecretStr("")
    """The user's password."""
    mail_sender: str = ""
    """The address that e-mails come from; empty: no-reply at the public address's host."""
    metrics_token: SecretStr = SecretStr("")
    """What /metrics asks for as a bearer token; empty: only this machine may read it."""
    log_level: str = "INFO"
    """The least severe messages that are logged: DEBUG, INFO, WARNING or ERROR."""

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _not_everybody(
        cls, value: tuple[IPv4Network | IPv6Network, ...]
    ) -> tuple[IPv4Network | IPv6Network, ...]:
        if any(network.prefixlen == 0 for network in value):
            raise ValueError("name the proxies; whoever connects cannot be believed")
        return value

    @model_validator(mode="after")
    def _fill_addresses(self) -> Self:
        self.public_url = (self.public_url or f"http://localhost:{self.port}").rstrip("/")
        if not self.live and not self.secret_keys.get_secret_value():
            self.secret_keys = SecretStr(SANDBOX_KEY)
        self.database_url = self.database_url or f"sqlite+aiosqlite:///{self.data_dir}/portal.db"
        return self

    @model_validator(mode="after")
    def _several_workers_share_redis(self) -> Self:
        if self.workers > 1 and not self.redis_url:
            raise ValueError(f"WORKERS={self.workers} needs REDIS_URL, which they share")
        return self

    @property
    def live(self) -> bool:
        """Whether real money moves."""
        return self.portal_mode is Mode.LIVE

    @property
    def own_origins(self) -> list[str]:
        """Origins of the portal's own pages: its public address.

        On a developer's machine localhost and 127.0.0.1 are the same portal.
        """
        names = ("//localhost", "//127.0.0.1")
        own = self.public_url
        twins = [own.replace(a, b) for a in names for b in names if own.startswith(f"http:{a}:")]
        return sorted({own, *twins})

    @property
    def sandbox_origin(self) -> str:
        """Address of the sandbox's root, without a trailing slash."""
        return (self.sandbox_url or f"{self.public_url}/sandbox").rstrip("/")

    @property
    def brings_sandbox(self) -> bool:
        """Whether this process serves the sandbox itself."""
        return not self.live and not self.sandbox_url


class GatewaySettings(BaseSettings):
    """What every gateway can be set to; each gateway's subclass adds its keys and a prefix.

    Amounts are decimals per currency, as JSON (``{"USD": "0.50"}``). A surcharge is paid by the
    customer on top; at most one of percent and fixed is used, and never with ``fee_deducted``.
    """

    model_config = SettingsConfigDict(
        env_file=".env",
        extra="ignore",
        secrets_dir=SECRETS_DIR,
        use_attribute_docstrings=True,
    )

    enabled: bool = True
    """Whether customers are offered it."""
    order: int = Field(default=100, ge=0, le=999)
    """Its place among the others, lowest first."""
    currencies: Annotated[frozenset[str] | None, NoDecode] = None
    """Comma separated codes to offer; None offers all that the gateway takes."""
    minimum: dict[str, str] = {}
    """The least that one payment may be."""
    maximum: dict[str, str] = {}
    """The most that one payment may be."""
    surcharge_percent: str = "0"
    """What customers pay on top, in percent."""
    surcharge_fixed: dict[str, str] = {}
    """What customers pay on top, by currency."""
    settlement_currency: str = ""
    """In what payments of the currencies in ``settlement_rates`` are charged."""
    settlement_rates: dict[str, str] = {}
    """What one unit of a currency that the gateway does not take costs in ``settlement_currency``
    (``{"GBP": "1.2734"}``): such a payment is charged in that, the rate is shown before paying."""
    fee_deducted: bool = False
    """Credit the account with what arrives after the gateway's fee instead of the full amount."""

    @field_validator("currencies", mode="before")
    @classmethod
    def _split_codes(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(code.strip().upper() for code in value.split(",") if code.strip())
        return value

    @field_validator("minimum", "maximum", "surcharge_fixed")
    @classmethod
    def _amounts(cls, value: dict[str, str]) -> dict[str, str]:
        for currency, amount in value.items():
            if not _AMOUNT.fullmatch(amount) or not Decimal(amount):
                raise ValueError(f"{currency}: give an amount above zero, such as 0.50")
        return value

    @field_validator("surcharge_percent")
    @classmethod
    def _percent(cls, value: str) -> str:
        if not _AMOUNT.fullmatch(value) or Decimal(value) > _MOST_PERCENT:
            raise ValueError("give a percentage from 0 to 100, such as 1.5")
        return value

    @model_validator(mode="after")
    def _minimum_below_maximum(self) -> Self:
        for currency in self.minimum.keys() & self.maximum.keys():
            if Decimal(self.minimum[currency]) > Decimal(self.maximum[currency]):
                raise ValueError(f"{currency}: the minimum is above the maximum")
        return self

    @model_validator(mode="after")
    def _one_kind_of_fee(self) -> Self:
        surcharges = bool(Decimal(self.surcharge_percent)) + bool(self.surcharge_fixed)
        if surcharges + self.fee_deducted > 1:
            raise ValueError("set one of surcharge_percent, surcharge_fixed and fee_deducted")
        return self

    @model_validator(mode="after")
    def _rates_are_exact(self) -> Self:
        for currency, rate in self.settlement_rates.items():
            if not re.fullmatch(r"\d{1,9}(\.\d{1,12})?", rate) or not rate.strip("0."):
                raise ValueError(f"settlement_rates: {currency} needs a decimal above zero")
        if self.settlement_rates and not self.settlement_currency:
            raise ValueError("settlement_rates need a settlement_currency")
        return self
