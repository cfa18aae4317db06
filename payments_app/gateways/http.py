"""The one HTTP client of all gateways: time-outs, safe retries, exact numbers, scrubbing."""

import asyncio
import json
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from functools import cache
from types import NoneType
from typing import Any, Final, TypeVar

import httpx
import structlog
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
)

from payments_app.gateways.circuit import Circuit
from payments_app.gateways.errors import GatewayUnavailable, RateLimited

T = TypeVar("T")

log = structlog.get_logger()

TIMEOUT: Final = httpx.Timeout(connect=3.0, read=10.0, write=10.0, pool=3.0)
"""Seconds for each phase of one request."""

DEADLINE: Final = 20.0
"""Seconds for a whole call, its repeats and the pauses between them."""

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
_EXACT: Final = json.JSONDecoder(parse_float=str)
_PLAIN: Final = (str, bytes, int, NoneType)


def scrub(value: Any) -> Any:
    """Return a copy of decoded JSON without secrets and personal data, by the names of fields."""
    if isinstance(value, _PLAIN):  # soon told, and most are
        return value
    if isinstance(value, Mapping):
        return {
            key: REDACTED if key.lower() in _SECRET_NAMES and item else scrub(item)
            for key, item in value.items()
        }
    if isinstance(value, Sequence):
        return [scrub(item) for item in value]
    return value


def decoded(body: bytes) -> str:
    """Return the text of JSON in any of its encodings, as ``json.loads`` reads it."""
    return body.decode(json.detect_encoding(body), "surrogatepass")


def load_json(text: str | bytes) -> Any:
    """Decode JSON with fractions kept as the text that was sent, so that no float arises.

    Raises ValueError for what is not JSON, or nested too deeply to be an honest message.
    """
    try:
        return _EXACT.decode(text if isinstance(text, str) else decoded(text))
    except RecursionError:
        raise ValueError("nested too deeply") from None


@cache
def tls() -> ssl.SSLContext:
    """Return what every client checks certificates with: read once, which takes its time."""
    return httpx.create_ssl_context()


class Client:
    """An HTTP client for one gateway; ``name`` marks its log lines.

    ``timeout`` bounds each phase of one request, ``deadline`` the seconds of a whole call with its
    repeats, so that an answer that only drips in ends too. Close it with ``aclose()``.
    """

    def __init__(
        self,
        name: str,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        deadline: float = DEADLINE,
    ) -> None:
        self.name = name
        self.timeout = timeout
        self.deadline = deadline
        self.circuit = Circuit(name)
        self._http = httpx.AsyncClient(timeout=timeout, transport=transport, verify=tls())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def request(
        self, method: str, url: str, *, repeatable: bool = False, **arguments: Any
    ) -> httpx.Response:
        """Send one request and return the answer, whatever it says, unless it is a fault.

        Reads are repeated after a fault, and writes that are ``repeatable`` (they carry an
        idempotency key). Raises GatewayUnavailable for a network fault, a 5xx or a 429: the outcome
        is then unknown.
        """
        return await self.carry_out(
            lambda: self._send(method, url, arguments), repeatable or method == "GET"
        )

    async def json(
        self, method: str, url: str, *, repeatable: bool = False, **arguments: Any
    ) -> tuple[int, dict[str, Any]]:
        """Send one request and return its HTTP status and its JSON object.

        Raises GatewayUnavailable as ``request`` does, and for a body that is no JSON object.
        """

        async def ask() -> tuple[int, dict[str, Any]]:
            response = await self._send(method, url, arguments)
            return response.status_code, self._object(response.content)

        return await self.carry_out(ask, repeatable or method == "GET")

    async def carry_out(self, call: Callable[[], Awaitable[T]], repeatable: bool) -> T:
        """Make one call of the gateway through its circuit, within the deadline.

        One that is ``repeatable`` is made up to three times, with jittered pauses, never sooner
        than the gateway asked for. Raises what ``call`` raises, and GatewayUnavailable when time is
        up or the circuit refuses it.
        """
        ends = time.monotonic() + self.deadline
        retrying = AsyncRetrying(
            stop=stop_after_attempt(_ATTEMPTS if repeatable else 1),
            wait=_wait,
            retry=retry_if_exception(_worth_repeating),
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                async with self.circuit.call():
                    return await self._in_time(call, ends)
        raise AssertionError("unreachable: tenacity re-raises the last fault")

    async def _in_time(self, call: Callable[[], Awaitable[T]], ends: float) -> T:
        try:
            async with asyncio.timeout(ends - time.monotonic()):
                return await call()
        except TimeoutError:
            log.warning("gateway_fault", gateway=self.name, fault="deadline")
            raise GatewayUnavailable(f"{self.name} took too long", retryable=False) from None

    def _object(self, body: bytes) -> dict[str, Any]:
        try:
            answer = load_json(body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise GatewayUnavailable(f"{self.name} sent no JSON object", retryable=False)
        return answer

    async def _send(self, method: str, url: str, arguments: dict[str, Any]) -> httpx.Response:
        try:
            response = await self._http.request(method, url, **arguments)
        except httpx.HTTPError as error:
            log.warning("gateway_fault", gateway=self.name, method=method, fault=repr(error))
            raise GatewayUnavailable(f"{self.name}: {type(error).__name__}") from error
        if not response.is_server_error and response.status_code != _TOO_MANY_REQUESTS:
            return response
        status = response.status_code
        log.warning("gateway_fault", gateway=self.name, method=method, status=status)
        kind = RateLimited if status == _TOO_MANY_REQUESTS else GatewayUnavailable
        raise kind(
            f"{self.name} answered {status}",
            retry_after=seconds_asked(response.headers.get("retry-after")),
        )


def seconds_asked(header: str | None) -> float:
    """Return how long a Retry-After header asks to wait: seconds or an HTTP date (RFC 9110,
    10.2.3); 0 for none, a past one or nonsense."""
    if not header:
        return 0.0
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    return max(0.0, until.timestamp() - time.time())


def _worth_repeating(error: BaseException) -> bool:
    return (
        isinstance(error, GatewayUnavailable)
        and error.retryable
        and error.retry_after <= _LONGEST_WAIT
    )


def _wait(state: RetryCallState) -> float:
    """Wait 0.2, 0.4 ... seconds with jitter, and at least as long as the gateway asked."""
    fault = state.outcome.exception() if state.outcome else None
    asked: float = getattr(fault, "retry_after", 0.0)
    backoff: float = 0.2 * 2 ** (state.attempt_number - 1) * random.uniform(0.5, 1.5)  # noqa: S311
    return max(asked, backoff)
