"""The portal that stands still, shared by the tests that look at it."""

from collections.abc import AsyncIterator

import pytest

from tests.browser.screens.camera import standing_portal
from tests.support.portal import PortalServer


@pytest.fixture(scope="session")
async def standing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PortalServer]:
    async with standing_portal(tmp_path_factory.mktemp("standing")) as portal:
        yield portal
