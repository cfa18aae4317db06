"""Log lines: to standard error, JSON in live mode, with the request and without secrets."""

import json
from collections.abc import Iterator

import pytest
import structlog

from payments_app.services import logs
from payments_app.settings import Mode, Settings


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
