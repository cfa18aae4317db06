"""How we speak to PayPal: tokens, requests, refusals, and the certificates of its webhooks.

https://developer.paypal.com/api/rest/authentication/ and /api/rest/webhooks/rest/.
"""

import asyncio
import re
import time
import zlib
from base64 import b64decode
from collections.abc import Mapping
from typing import Annotated, Any, Final

import httpx
import structlog
from cryptography import exceptions, x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from pydantic import SecretStr
from pydantic_settings import NoDecode, SettingsConfigDict

from payments_app.gateways.errors import (
    GatewayRejected,
    GatewayUnavailable,
    InvalidSignature,
    UnknownPayment,
)
from payments_app.gateways.http import Client
from payments_app.settings import GatewaySettings

log = structlog.get_logger()

_TOKEN_MARGIN_SECONDS: Final = 120
_PAYPAL_HOST: Final = re.compile(r"([a-z0-9-]+\.)*paypal\.com")


class PayPalSettings(GatewaySettings):
    """The keys of one REST app at developer.paypal.com, and the id of its webhook."""

    model_config = SettingsConfigDict(env_prefix="PAYPAL_", env_file=".env", extra="ignore")

    client_id: str = ""
    """The app's client id."""
    client_secret: SecretStr = SecretStr("")
    """The app's secret."""
    webhook_id: str = ""
    """The id of the app's webhook, which its signatures are bound to."""
    api_base: str = "https://api-m.paypal.com"
    """Address of the gateway's interface."""
    currencies: Annotated[frozenset[str] | None, NoDecode] = frozenset({"USD", "GBP"})


class PayPalApi:
    """One REST app at PayPal. ``certificates`` are the keys of webhooks seen so far, by address."""

    def __init__(self, settings: PayPalSettings, client: Client) -> None:
        self.settings = settings
        self.client = client
        self.certificates: dict[str, RSAPublicKey] = {}
        self._token = ""
        self._token_ends = 0.0
        self._token_lock = asyncio.Lock()

    async def ask(
        self, method: str, path: str, key: str | None = None, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Call and return the answer; raises GatewayRejected with PayPal's issue for a refusal."""
        status, answer = await self.call(method, path, key, body)
        if status >= httpx.codes.BAD_REQUEST:
            raise refusal(status, answer)
        return answer

    async def call(
        self, method: str, path: str, key: str | None = None, body: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Send one authorised request, once more with a new token if the old one was refused."""
        for last in (False, True):
            token = await self._access_token()
            headers = {"Authorization": f"Bearer {token}", "Prefer": "return=representation"}
            if key is not None:
                headers["PayPal-Request-Id"] = key
            status, answer = await self.client.json(
                method,
                f"{self.settings.api_base}{path}",
                repeatable=key is not None,
                headers=headers,
                json=body,
            )
            if status != httpx.codes.UNAUTHORIZED or last:
                break
            if token == self._token:
                self._token_ends = 0.0
        return status, answer

    async def _access_token(self) -> str:
        """Return the cached token, or fetch one; whoever comes meanwhile waits for the same."""
        async with self._token_lock:
            if time.monotonic() >= self._token_ends:
                asked = time.monotonic()
                status, answer = await self.client.json(
                    "POST",
                    f"{self.settings.api_base}/v1/oauth2/token",
                    repeatable=True,
                    auth=(self.settings.client_id, self.settings.client_secret.get_secret_value()),
                    data={"grant_type": "client_credentials"},
                )
                if status != httpx.codes.OK:
                    raise GatewayRejected(answer.get("error", "invalid_client"))
                self._token = answer["access_token"]
                self._token_ends = asked + int(answer["expires_in"]) - _TOKEN_MARGIN_SECONDS
            return self._token

    async def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Check RSA-SHA256 over id, time, webhook id and the body's unsigned CRC-32.

        https://developer.paypal.com/api/rest/webhooks/rest/
        """
        try:
            transmission = (
                f"{headers['paypal-transmission-id']}|{headers['paypal-transmission-time']}"
            )
            signature = b64decode(headers["paypal-transmission-sig"], validate=True)
            address = headers["paypal-cert-url"]
        except (KeyError, ValueError) as error:
            raise InvalidSignature("headers are missing") from error
        if headers.get("paypal-auth-algo") != "SHA256withRSA" or not self.settings.webhook_id:
            raise InvalidSignature("unknown algorithm")
        text = f"{transmission}|{self.settings.webhook_id}|{zlib.crc32(body)}"
        key = self.certificates.get(address) or await self._fetch_key(address)
        try:
            key.verify(signature, text.encode(), PKCS1v15(), SHA256())
        except exceptions.InvalidSignature:
            raise InvalidSignature("signature does not match") from None

    async def _fetch_key(self, address: str) -> RSAPublicKey:
        if not self._trusts(address):
            raise InvalidSignature("certificate from a foreign host")
        response = await self.client.request("GET", address)
        try:
            key = x509.load_pem_x509_certificate(response.content).public_key()
        except ValueError as error:
            raise InvalidSignature("no certificate") from error
        if not isinstance(key, RSAPublicKey):
            raise InvalidSignature("no RSA certificate")
        self.certificates[address] = key
        return key

    def _trusts(self, address: str) -> bool:
        """Whether certificates may come from there: https under paypal.com, or the API's origin."""
        try:
            url, base = httpx.URL(address), httpx.URL(self.settings.api_base)
        except httpx.InvalidURL:
            return False
        if (url.scheme, url.host, url.port) == (base.scheme, base.host, base.port):
            return True
        return url.scheme == "https" and url.port is None and bool(_PAYPAL_HOST.fullmatch(url.host))


def refusal(status: int, answer: Mapping[str, Any]) -> GatewayRejected | GatewayUnavailable:
    """Make the error for an answer of 400 or above."""
    issue = issue_of(answer)
    log.warning("paypal_refused", issue=issue, debug_id=answer.get("debug_id"))
    if status == httpx.codes.NOT_FOUND:
        return UnknownPayment(issue)
    if issue == "PREVIOUS_REQUEST_IN_PROGRESS":
        return GatewayUnavailable(issue)
    return GatewayRejected(issue)


def issue_of(answer: Mapping[str, Any]) -> str:
    """Return what to branch on: the first detail's issue, since descriptions may change."""
    details = answer.get("details") or [{}]
    return str(details[0].get("issue") or answer.get("name") or answer.get("error") or "unknown")
