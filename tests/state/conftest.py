"""A pipeline of events around the test's portal."""

from collections.abc import AsyncIterator

import pytest

from payments_app.services import context
from payments_app.services.context import Portal
from tests.support.pipeline import Pipeline, running_pipeline


@pytest.fixture
async def pipeline(portal: Portal) -> AsyncIterator[Pipeline]:
    """Every event goes through the gate, with sessions in the test's own database."""
    context.install(portal)
    async with running_pipeline() as pipeline:
        yield pipeline
