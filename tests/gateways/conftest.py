"""Fixtures for the gateways' tests: a sandbox of one's own over real HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.sandbox import RunningSandbox, sandbox_at, webhook_receiver

pytest.register_assert_rewrite("tests.gateways.contract")


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[RunningSandbox]:
    """The sandbox with all twins; ``sandbox.receiver`` gets its webhooks."""
    async with (
        webhook_receiver() as receiver,
        sandbox_at(tmp_path / "sandbox.db", receiver) as running,
    ):
        yield running
