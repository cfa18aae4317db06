"""The portal that stands still, shared by the tests that look at it."""

from collections.abc import AsyncIterator

import pytest

from tests.browser.screens.camera import Stage, standing_portal


@pytest.fixture(scope="session")
async def standing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with standing_portal(tmp_path_factory.mktemp("standing")) as stage:
        yield stage
