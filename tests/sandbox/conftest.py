"""Fixtures for the sandbox's tests: each test gets its own server, store and receiver."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.sandbox import Receiver, RunningSandbox, sandbox_at, webhook_receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A server in the portal's place that records webhooks."""
    async with webhook_receiver() as receiver:
        yield receiver


@pytest.fixture
async def running_sandbox(tmp_path: Path, receiver: Receiver) -> AsyncIterator[RunningSandbox]:
    """The sandbox with all twins, sending webhooks in the background."""
    async with sandbox_at(tmp_path / "sandbox.db", receiver) as running:
        yield running
