"""The gateways' HTTP client, against a real server that answers as it is told."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from email.utils import formatdate

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from payments_app.gateways.circuit import FAULTS_TO_OPEN
from payments_app.gateways.errors import GatewayUnavailable
from payments_app.gateways.http import REDACTED, Client, load_json, scrub
from tests.support.sandbox import free_port, serving


@dataclass
class Provider:
    """A server that gives the listed answers, then 200 and an empty object."""

    url: str
    answers: list[Response] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        self.methods.append(request.method)
        return self.answers.pop(0) if self.answers else Response("{}")


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    port = free_port()
    provider = Provider(f"http://127.0.0.1:{port}/")
    app = FastAPI(openapi_url=None)
    app.add_api_route("/{path:path}", provider.answer, methods=["GET", "POST"])
    async with serving(app, port):
        yield provider


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    client = Client("tests")
    yield client
    await client.aclose()


def fault(status: int = 500, **headers: str) -> Response:
    return Response("{}", status, {name.replace("_", "-"): text for name, text in headers.items()})


@pytest.mark.parametrize(
    ("method", "repeatable", "sent"),
    [("GET", False, 3), ("GET", True, 3), ("POST", True, 3), ("POST", False, 1)],
)
async def test_repeats_what_is_safe_to_repeat(
    provider: Provider, client: Client, method: str, repeatable: bool, sent: int
) -> None:
    provider.answers = [fault() for _ in range(5)]
    with pytest.raises(GatewayUnavailable) as caught:
        await client.request(method, provider.url, repeatable=repeatable)
    assert caught.value.retryable
    assert provider.methods == [method] * sent


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_fault_that_passes_is_not_noticed(
    provider: Provider, client: Client, status: int
) -> None:
    provider.answers = [fault(status)]
    assert await client.json("GET", provider.url) == (200, {})


@pytest.mark.parametrize("status", [200, 201, 302, 400, 401, 402, 404, 409, 422])
async def test_other_answers_are_answers(provider: Provider, client: Client, status: int) -> None:
    provider.answers = [fault(status)]
    assert await client.json("GET", provider.url) == (status, {})
    assert len(provider.methods) == 1


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("0", 0), ("soon", 0), ("-1", 0)])
async def test_tells_how_long_to_wait(
    provider: Provider, client: Client, header: str, seconds: float
) -> None:
    provider.answers = [fault(429, retry_after=header)]
    with pytest.raises(GatewayUnavailable) as caught:
        await client.request("POST", provider.url)
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(("ahead", "least", "most"), [(90, 85, 90), (-90, 0, 0)])
async def test_a_date_tells_how_long_to_wait_too(
    provider: Provider, client: Client, ahead: int, least: float, most: float
) -> None:
    provider.answers = [fault(503, retry_after=formatdate(time.time() + ahead, usegmt=True))]
    with pytest.raises(GatewayUnavailable) as caught:
        await client.request("POST", provider.url)
    assert least <= caught.value.retry_after <= most


async def test_it_never_asks_sooner_than_the_gateway_wants(
    provider: Provider, client: Client
) -> None:
    provider.answers = [fault(429, retry_after="6")]
    with pytest.raises(GatewayUnavailable):
        await client.request("GET", provider.url)
    provider.answers = [fault(429, retry_after="1")]
    started = time.monotonic()
    await client.request("GET", provider.url)
    assert time.monotonic() - started >= 1
    assert provider.methods == ["GET"] * 3


async def test_an_answer_that_only_drips_in_ends(provider: Provider) -> None:
    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.02)

    provider.answers = [StreamingResponse(drip())]
    hasty = Client("tests", timeout=httpx.Timeout(5), deadline=0.3)
    with pytest.raises(GatewayUnavailable, match="too long"):
        await hasty.json("GET", provider.url)
    await hasty.aclose()
    assert provider.methods == ["GET"]


async def test_a_dead_gateway_is_not_asked_again_and_again(provider: Provider) -> None:
    client = Client("tests")
    provider.answers = [fault() for _ in range(50)]
    for _ in range(20):
        with pytest.raises(GatewayUnavailable):
            await client.request("POST", provider.url)
    assert len(provider.methods) == FAULTS_TO_OPEN
    await client.aclose()


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "1", '"x"', "<html>"])
async def test_what_is_no_object_proves_nothing(
    provider: Provider, client: Client, body: str
) -> None:
    provider.answers = [Response(body)]
    with pytest.raises(GatewayUnavailable, match="no JSON object") as caught:
        await client.json("GET", provider.url)
    assert not caught.value.retryable


async def test_no_connection_and_no_answer(provider: Provider) -> None:
    hasty = Client("tests", timeout=httpx.Timeout(0.05))
    for url in (f"http://127.0.0.1:{free_port()}/", "http://[::1]:1/", "nonsense://x/"):
        with pytest.raises(GatewayUnavailable):
            await hasty.request("POST", url)
    await hasty.aclose()


async def test_faults_are_logged_without_what_was_sent(provider: Provider, client: Client) -> None:
    provider.answers = [fault()]
    secret = "sk_live_1"
    with capture_logs() as logs, pytest.raises(GatewayUnavailable):
        await client.request(
            "POST",
            f"{provider.url}{secret}?key={secret}",
            headers={"Authorization": secret},
            json={"key": secret},
        )
    assert [(each["event"], each["gateway"]) for each in logs] == [("gateway_fault", "tests")]
    assert secret not in str(logs)


def test_fractions_stay_as_they_were_written() -> None:
    assert load_json('{"a": 0.1, "b": 10, "c": 1e2, "d": 100.00}') == {
        "a": "0.1",
        "b": 10,
        "c": "1e2",
        "d": "100.00",
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
SECRET_KEYS = st.sampled_from(["client_secret", "email", "Email", "PHONE", "billing_details"])


@given(JSON)
def test_scrubbing_leaves_a_copy(value: object) -> None:
    copy = scrub(value)
    assert scrub(copy) == copy
    assert type(copy) is type(value)


@given(JSON, SECRET_KEYS)
def test_a_secret_is_found_however_deep(value: object, key: str) -> None:
    wrappers: list[Callable[[object], object]] = [lambda v: [v], lambda v: {"x": v}, lambda v: (v,)]
    hidden: object = {key: {"inside": "s3cr3t", "more": value}, "kept": 1}
    for wrap in wrappers:
        hidden = wrap(hidden)
    assert "s3cr3t" not in repr(scrub(hidden))
    assert f"{REDACTED!r}" in repr(scrub(hidden))
