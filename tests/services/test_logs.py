"""Log lines: to standard error, JSON in live mode, with the request and without secrets."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
import structlog

from payments_app.domain.money import Money
from payments_app.gateways import registry
from payments_app.gateways.errors import GatewayUnavailable
from payments_app.sandbox.app import issued_settings
from payments_app.services import checkout, logs
from payments_app.services.checkout import TopUp
from payments_app.services.lookup import ask_gateway
from payments_app.services.refunds import refund
from payments_app.settings import Mode, Settings
from tests.services.conftest import Shop

CHOICES = [
    ("paypal", "USD", None),
    ("card", "USD", None),
    ("nowpayments", "USD", "btc"),
    ("paystack", "USD", None),
    ("paynamics", "PHP", "gc"),
]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    structlog.contextvars.clear_contextvars()


def test_live_lines_are_json_with_request_and_payment(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(_env_file=None, portal_mode=Mode.LIVE))
    structlog.contextvars.bind_contextvars(request="R1")
    structlog.get_logger().info("settled", reference="P1", client_secret="s3cret")
    said = capsys.readouterr()
    line = json.loads(said.err)
    assert (line["event"], line["request"], line["reference"]) == ("settled", "R1", "P1")
    assert line["client_secret"] == "[redacted]"
    assert said.out == ""


def test_a_fault_is_logged_with_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(_env_file=None, portal_mode=Mode.LIVE))
    try:
        raise LookupError("lost")
    except LookupError:
        structlog.get_logger().exception("failed")
    line = json.loads(capsys.readouterr().err)
    assert line["exception"][0]["exc_type"] == "LookupError"


@pytest.mark.parametrize("mode", Mode)
def test_a_trace_shows_no_values_of_variables(
    mode: Mode, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(Settings(_env_file=None, portal_mode=mode))
    password = "".join(["s3", "cret"])
    try:
        raise LookupError(len(password))
    except LookupError:
        structlog.get_logger().exception("failed")
    said = capsys.readouterr().err
    assert "LookupError" in said
    assert password not in said


def test_the_level_is_a_setting(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(_env_file=None, log_level="WARNING"))
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert "quiet" not in (said := capsys.readouterr().err)
    assert "loud" in said


AWAY = issued_settings("http://127.0.0.1:1")


@pytest.mark.parametrize(("code", "currency", "channel"), CHOICES)
async def test_what_a_gateway_does_is_logged_with_request_payment_and_gateway(
    shop: Shop, code: str, currency: str, channel: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """When a payment is started, and when the sweep looks it up."""
    portal = replace(shop.portal, gateways=registry.connect(AWAY))
    logs.configure(Settings(_env_file=None, portal_mode=Mode.LIVE))
    logs.begin("R1")
    order = TopUp(code, Money(50_000, currency), "k", channel)
    started = await checkout.start(portal, shop.who, order)
    await ask_gateway(portal, await shop.payment(started.reference), "sweep")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = [line for line in lines if line["event"].startswith(("gateway_", "card_"))]
    assert {line["event"] for line in told} >= {"gateway_fault", "gateway_unavailable"}
    assert {(line["request"], line["payment"], line["gateway"]) for line in told} == {
        ("R1", started.reference, code)
    }
    for gateway in portal.gateways.values():
        await gateway.aclose()


async def test_a_refund_that_waits_is_logged_with_its_payment_and_gateway(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    started = await shop.start()
    shop.till.pay(started.reference)
    await checkout.check(shop.portal, shop.who, started.reference)
    shop.till.fault = GatewayUnavailable("away")
    logs.configure(Settings(_env_file=None, portal_mode=Mode.LIVE))
    made = await refund(
        shop.portal, started.reference, Money(100, "USD"), key="r", actor="staff", user_id=None
    )
    (line,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert (line["event"], line["payment"], line["gateway"]) == ("refund_waits", made, "till")
