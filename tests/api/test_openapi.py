"""Schemathesis against the description of the routes, as nobody, a customer and staff."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import status_code_conformance

from payments_app.db.engine import Database
from payments_app.gateways import registry
from payments_app.payments_app import api
from payments_app.sandbox.app import issued_settings
from payments_app.services import context
from payments_app.services.context import Portal
from tests.support.roles import Kind, Logins, log_in_each
from tests.support.sandbox import free_port, serving

EXAMPLES = 5
DOWN = 503
"""What /health/ready and webhooks answer by design while something is not reachable."""


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """PostgreSQL takes less than SQLite does: no NUL, no number above its type's largest."""
    database = Database(postgres_url)
    yield database
    await database.close()


@pytest.fixture
async def address(portal: Portal) -> AsyncIterator[str]:
    """Where the routes are served."""
    origin = f"http://127.0.0.1:{free_port()}"
    gateways = registry.connect(issued_settings(f"{origin}/sandbox"))
    portal.settings.public_url = origin
    context.install(Portal(portal.settings, portal.db, gateways, clock=portal.clock))
    app = FastAPI(openapi_url=None)
    app.mount("", api)
    async with serving(app, int(origin.rpartition(":")[2])):
        yield origin
    for gateway in gateways.values():
        await gateway.aclose()


@pytest.fixture
async def logins(portal: Portal) -> Logins:
    return await log_in_each(portal)


def attack(address: str, token: str) -> int:
    """Send what the description allows, and what it does not, to every operation; count them."""
    described = schemathesis.openapi.from_dict(api.openapi())
    described.config.update(base_url=address)
    headers = {"Cookie": f"portal_session={token}", "Origin": address}
    count = 0
    for found in described.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def check(case: schemathesis.Case) -> None:
            answer = case.call(headers=headers, allow_redirects=False)
            checks = [status_code_conformance]
            if answer.status_code != DOWN:
                checks.append(not_a_server_error)
            case.validate_response(answer, checks=checks)

        check()
        count += 1
    return count


@pytest.mark.parametrize("kind", [Kind.NOBODY, Kind.CUSTOMER, Kind.OWNER])
async def test_every_route_answers_as_described_and_never_fails(
    address: str, logins: Logins, kind: Kind
) -> None:
    described = sum(len(methods) for methods in api.openapi()["paths"].values())
    assert await asyncio.to_thread(attack, address, logins.tokens[kind]) == described
