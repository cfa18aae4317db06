"""Which gateways there are, and how they get their settings."""

from collections.abc import AsyncIterator

import pytest

from payments_app.gateways.base import Gateway
from payments_app.gateways.registry import GATEWAYS, connect
from payments_app.sandbox.app import issued_settings

ORIGIN = "http://127.0.0.1:1/sandbox"


@pytest.fixture
async def sandboxed() -> AsyncIterator[dict[str, Gateway]]:
    gateways = connect(issued_settings(ORIGIN))
    yield gateways
    for gateway in gateways.values():
        await gateway.aclose()


def test_codes_and_prefixes_are_their_own() -> None:
    codes = [kind.code for kind in GATEWAYS]
    prefixes = [kind.Settings.model_config.get("env_prefix") for kind in GATEWAYS]
    assert len(set(codes)) == len(codes)
    assert len(set(prefixes)) == len(prefixes)
    assert all(prefixes)


async def test_the_sandbox_issues_all_that_is_needed(sandboxed: dict[str, Gateway]) -> None:
    assert list(sandboxed) == [kind.code for kind in GATEWAYS]
    for gateway in sandboxed.values():
        assert gateway.missing_settings() == ()
        assert gateway.offered


async def test_without_keys_nothing_that_needs_them_is_offered() -> None:
    gateways = connect({})
    for gateway in gateways.values():
        assert gateway.offered == (not gateway.required_settings)
        await gateway.aclose()


async def test_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = next(kind for kind in GATEWAYS if kind.required_settings)
    prefix = kind.Settings.model_config.get("env_prefix") or ""
    name = kind.required_settings[0]
    monkeypatch.setenv(f"{prefix}{name}".upper(), "my-own")
    monkeypatch.setenv(f"{prefix}ENABLED".upper(), "false")
    monkeypatch.setenv(f"{prefix}ORDER".upper(), "999")
    gateways = connect(issued_settings(ORIGIN))
    given = getattr(gateways[kind.code].settings, name)
    assert getattr(given, "get_secret_value", lambda: given)() == "my-own"
    assert not gateways[kind.code].offered
    assert list(gateways)[-1] == kind.code
    for gateway in gateways.values():
        await gateway.aclose()
