"""The webhook route: status codes, limits, and nothing lost."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from payments_app.api import webhooks
from payments_app.api.faults import answer_faults
from payments_app.services.context import Portal, install
from payments_app.services.webhooks import handle_due
from tests.support.gateway import Till, webhook


@pytest.fixture(params=["by the framework", "before it"])
async def served(
    portal: Portal, request: pytest.FixtureRequest
) -> AsyncIterator[httpx.AsyncClient]:
    """The route, with one gateway behind it, on each of the ways to it."""
    install(replace(portal, gateways={"till": Till()}))
    app = FastAPI()
    app.include_router(webhooks.router)
    answer_faults(app)
    way = webhooks.webhooks_first(app, portal.settings) if request.param == "before it" else app
    transport = httpx.ASGITransport(way, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        yield client


async def test_a_webhook_is_on_disk_when_it_is_answered(
    served: httpx.AsyncClient, portal: Portal
) -> None:
    headers, body = webhook("evt-1", "PSTRANGER")
    answer = await served.post("/webhooks/till", headers=headers, content=body)
    assert answer.status_code == 200
    assert await handle_due(portal) == 1


async def test_a_fault_is_answered_with_the_reference_of_the_request(
    served: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("payments_app.services.webhooks.receive", broken)
    answer = await served.post("/webhooks/till", content=b"{}")
    assert answer.status_code == 500
    assert answer.json()["error"] == "failed"
    assert re.fullmatch("[0-9a-f]{8}", answer.json()["reference"])


async def test_a_bad_signature_is_400(served: httpx.AsyncClient) -> None:
    answer = await served.post("/webhooks/till", headers={"x-till": "forged"}, content=b"{}")
    assert answer.status_code == 400


async def test_an_unknown_gateway_is_404(served: httpx.AsyncClient) -> None:
    assert (await served.post("/webhooks/nobody", content=b"{}")).status_code == 404


async def test_a_body_above_the_limit_is_413(served: httpx.AsyncClient, portal: Portal) -> None:
    body = b"x" * (portal.settings.webhook_body_limit + 1)
    assert (await served.post("/webhooks/till", content=body)).status_code == 413


async def test_a_body_that_says_it_is_too_large_is_not_read(
    served: httpx.AsyncClient, portal: Portal
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        pytest.fail("the body was read")
        yield b""

    headers = {"content-length": str(portal.settings.webhook_body_limit + 1)}
    answer = await served.post("/webhooks/till", headers=headers, content=endless())
    assert answer.status_code == 413


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "application/x-yaml", ""])
async def test_another_content_type_is_415(served: httpx.AsyncClient, kind: str) -> None:
    headers, body = webhook("evt-1", "PSTRANGER")
    headers["content-type"] = kind
    assert (await served.post("/webhooks/till", headers=headers, content=body)).status_code == 415


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
async def test_json_is_taken(served: httpx.AsyncClient, kind: str) -> None:
    headers, body = webhook("evt-1", "PSTRANGER")
    headers["content-type"] = kind
    assert (await served.post("/webhooks/till", headers=headers, content=body)).status_code == 200


async def test_what_nests_without_end_is_400(served: httpx.AsyncClient) -> None:
    assert (await served.post("/webhooks/till", content=b"[" * 100_000)).status_code == 400


async def test_only_post_is_taken(served: httpx.AsyncClient) -> None:
    assert (await served.get("/webhooks/till")).status_code == 405
