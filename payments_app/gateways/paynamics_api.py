"""How we speak to Paynamics: settings, request ids, signatures and refusals."""

import secrets
from collections.abc import Mapping
from datetime import timedelta, timezone
from typing import Annotated, Any, Final

import httpx
import structlog
from pydantic import Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from payments_app.gateways.errors import GatewayRejected, UnknownPayment
from payments_app.gateways.http import Client
from payments_app.gateways.paynamics_channels import CHANNELS, USUAL
from payments_app.gateways.paynamics_signature import sign
from payments_app.settings import GatewaySettings

log = structlog.get_logger()

USED_BEFORE: Final = "GR011"
"""The code for a request id that came before."""

_LONGEST_ID: Final = 23
_NEW_ID_TRIES: Final = 3
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class PaynamicsSettings(GatewaySettings):
    """Keys of a Paynamics merchant, and what integrations disagree on.

    ``channels`` are the merchant's, comma separated. ``merchant_id_field`` is the name under which
    requests carry the merchant's id; empty leaves it out. ``expiry_format`` and
    ``expiry_utc_offset_hours`` say how ``expiry_limit`` is written (Manila is eight hours ahead of
    UTC all year; the other format seen is ``%m/%d/%Y %H:%M:%S``). ``counter_action`` is the
    ``payment_action`` of over-the-counter channels (some send ``url_link`` there too).
    ``failed_may_recover`` keeps GR003 Pending instead of ending the payment.
    """

    model_config = SettingsConfigDict(env_prefix="PAYNAMICS_", env_file=".env", extra="ignore")

    merchant_id: str = ""
    """The merchant's id."""
    merchant_key: str = Field(default="", repr=False)
    """The key that requests and messages are signed with."""
    username: str = Field(default="", repr=False)
    """User of the interface."""
    password: str = Field(default="", repr=False)
    """The user's password."""
    api_base: str = "https://payin.paynamics.net/paygate/transactions"
    """Address of the gateway's interface."""
    channels: Annotated[tuple[str, ...], NoDecode] = USUAL
    """The merchant's channels, comma separated."""
    merchant_id_field: str = "merchant_id"
    """The name under which requests carry the merchant's id; empty leaves it out."""
    expiry_format: str = "%Y-%m-%d %H:%M:%S"
    """How `expiry_limit` is written, as for strftime."""
    expiry_utc_offset_hours: int = 8
    """Hours that `expiry_limit` is ahead of UTC."""
    counter_action: str = "direct_otc"
    """The `payment_action` of over-the-counter channels."""
    failed_may_recover: bool = False
    """Keep GR003 Pending instead of ending the payment."""

    @field_validator("channels", mode="before")
    @classmethod
    def _split_channels(cls, value: object) -> object:
        if isinstance(value, str):
            value = tuple(code.strip() for code in value.split(",") if code.strip())
        if isinstance(value, tuple) and (unknown := set(value) - set(CHANNELS)):
            raise ValueError(f"no such channel: {', '.join(sorted(unknown))}")
        return value

    @property
    def zone(self) -> timezone:
        """The time zone in which Paynamics writes times without one."""
        return timezone(timedelta(hours=self.expiry_utc_offset_hours))


class PaynamicsApi:
    """One merchant at Paynamics."""

    def __init__(self, settings: PaynamicsSettings, client: Client) -> None:
        self.settings = settings
        self.client = client

    def signed(self, fields: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
        """Return the fields with the merchant's id, where it is sent, and their signature."""
        settings = self.settings
        signature = sign(names, fields, settings.merchant_key, settings.merchant_id)
        signed = {**fields, "signature": signature}
        if settings.merchant_id_field:
            signed[settings.merchant_id_field] = settings.merchant_id
        return signed

    async def ask_about(
        self,
        path: str,
        reference: str,
        letter: str,
        body: Mapping[str, str],
        names: tuple[str, ...],
    ) -> dict[str, Any]:
        """Ask about a transaction under a request id that was never used: our reference, a letter
        that says what for, and as much chance as still fits."""
        room = _LONGEST_ID - len(reference) - len(letter)
        answer: dict[str, Any] = {}
        for _ in range(_NEW_ID_TRIES):
            request_id = (
                reference + letter + "".join(secrets.choice(_ALPHABET) for _ in range(room))
            )
            answer = await self.ask(path, self.signed({"request_id": request_id, **body}, names))
            if answer.get("response_code") != USED_BEFORE:
                break
        return answer

    async def ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Post and return the answer; one that says ``USED_BEFORE`` is returned as well.

        An error answer carries a code too. Raises UnknownPayment for 404, GatewayRejected.
        """
        status, answer = await self.client.json(
            "POST",
            f"{self.settings.api_base}{path}",
            auth=(self.settings.username, self.settings.password),
            json=body,
        )
        code = answer.get("response_code")
        if status < httpx.codes.BAD_REQUEST or code == USED_BEFORE:
            return answer
        log.warning("paynamics_refused", status=status, code=code)
        refusal = UnknownPayment if status == httpx.codes.NOT_FOUND else GatewayRejected
        raise refusal(str(code or status))
