"""One portal for all attacks; each has to leave it as it was."""

from collections.abc import AsyncIterator

import pytest

from tests.attack.target import Target, faults, target


@pytest.fixture(scope="session")
async def attacked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    async with target(tmp_path_factory.mktemp("attacked")) as made:
        yield made


@pytest.fixture
async def standing(attacked: Target) -> AsyncIterator[Target]:
    """The portal; after the attack nothing has fallen over."""
    attacked.news()
    yield attacked
    assert faults(attacked.news()) == []


@pytest.fixture
async def unharmed(standing: Target) -> AsyncIterator[Target]:
    """The portal; after the attack nothing has changed either."""
    before = standing.digest()
    yield standing
    assert standing.digest() == before
