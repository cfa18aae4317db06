"""The one HTTP client of all gateways: time-outs, safe retries, exact numbers, scrubbing."""

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx
import structlog
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
)

from payments_app.gateways.errors import GatewayUnavailable

log = structlog.get_logger()

TIMEOUT: Final = httpx.Timeout(connect=3.0, read=10.0, write=10.0, pool=3.0)
"""Seconds for each phase of one call."""

_ATTEMPTS: Final = 3
_LONGEST_WAIT: Final = 5.0
_TOO_MANY_REQUESTS: Final = 429

_SECRET_NAMES: Final = frozenset(
    {
        "access_code", "access_token", "account_id", "address", "auth_code", "authorization",
        "authorization_url", "billing_address", "billing_details", "billing_info", "bin",
        "birth_date", "client_secret", "customer", "customer_email", "customer_info", "email",
        "email_address", "exp_month", "exp_year", "first_name", "fname", "full_name",
        "given_name", "ip_address", "last_name", "lname", "log", "mname", "mobile", "name",
        "number", "password", "payer", "payer_id", "phone", "phone_number", "receipt_email",
        "secret", "shipping", "shipping_info", "signature", "surname", "tax_info", "token",
    }
)  # fmt: skip
REDACTED: Final = "[redacted]"


def scrub(value: Any) -> Any:
    """Return a copy of decoded JSON without secrets and personal data, by the names of fields."""
    if isinstance(value, Mapping):
        return {
            key: REDACTED if key.lower() in _SECRET_NAMES and item else scrub(item)
            for key, item in value.items()
        }
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [scrub(item) for item in value]
    return value


def load_json(text: str | bytes) -> Any:
    """Decode JSON with fractions kept as the text that was sent, so that no float arises.

    Raises ValueError for what is not JSON.
    """
    return json.loads(text, parse_float=str)


class Client:
    """An HTTP client for one gateway; ``name`` marks its log lines, ``timeout`` bounds its calls.

    Close it with ``aclose()``.
    """

    def __init__(
        self,
        name: str,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> None:
        self.name = name
        self.timeout = timeout
        self._http = httpx.AsyncClient(timeout=timeout, transport=transport)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def request(
        self, method: str, url: str, *, repeatable: bool = False, **arguments: Any
    ) -> httpx.Response:
        """Send one request and return the answer, whatever it says, unless it is a fault.

        Reads are repeated after a fault, and writes that are ``repeatable`` (they carry an
        idempotency key), up to three times with jitter, honouring Retry-After. Raises
        GatewayUnavailable for a network fault, a 5xx or a 429: the outcome is then unknown.
        """
        attempts = _ATTEMPTS if repeatable or method == "GET" else 1
        retrying = AsyncRetrying(
            stop=stop_after_attempt(attempts),
            wait=_wait,
            retry=retry_if_exception(lambda error: getattr(error, "retryable", False)),
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                return await self._send(method, url, arguments)
        raise AssertionError("unreachable: tenacity re-raises the last fault")

    async def json(
        self, method: str, url: str, *, repeatable: bool = False, **arguments: Any
    ) -> tuple[int, dict[str, Any]]:
        """Send one request and return its HTTP status and its JSON object.

        Raises GatewayUnavailable as ``request`` does, and for a body that is no JSON object.
        """
        response = await self.request(method, url, repeatable=repeatable, **arguments)
        try:
            answer = load_json(response.content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise GatewayUnavailable(f"{self.name} sent no JSON object", retryable=False)
        return response.status_code, answer

    async def _send(self, method: str, url: str, arguments: dict[str, Any]) -> httpx.Response:
        try:
            response = await self._http.request(method, url, **arguments)
        except httpx.HTTPError as error:
            log.warning("gateway_fault", gateway=self.name, method=method, fault=repr(error))
            raise GatewayUnavailable(f"{self.name}: {type(error).__name__}") from error
        if response.is_server_error or response.status_code == _TOO_MANY_REQUESTS:
            log.warning(
                "gateway_fault",
                gateway=self.name,
                method=method,
                status=response.status_code,
            )
            raise GatewayUnavailable(
                f"{self.name} answered {response.status_code}",
                retry_after=_seconds(response.headers.get("retry-after")),
            )
        return response


def _seconds(header: str | None) -> float:
    return float(header) if header and header.isdigit() else 0.0


def _wait(state: RetryCallState) -> float:
    """Wait 0.2, 0.4 ... seconds with jitter, or as long as the gateway asked, up to a limit."""
    fault = state.outcome.exception() if state.outcome else None
    asked: float = getattr(fault, "retry_after", 0.0)
    backoff = 0.2 * 2 ** (state.attempt_number - 1) * random.uniform(0.5, 1.5)  # noqa: S311
    wait: float = min(max(asked, backoff), _LONGEST_WAIT)
    return wait
