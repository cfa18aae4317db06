"""Group commit: each item is written once and gets its own answer."""

import asyncio
from collections.abc import Sequence

import pytest

from payments_app.services.batches import Batches


class Desk:
    """Writes groups of numbers when it is told to, and answers with their squares."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.go = asyncio.Event()
        self.batches: Batches[int, int] = Batches()

    async def write(self, group: Sequence[int]) -> Sequence[int | Exception]:
        self.groups.append(list(group))
        await self.go.wait()
        if 13 in group:
            raise ValueError("all of the group")
        return [ValueError("zero") if number == 0 else number**2 for number in group]

    def put(self, number: int) -> asyncio.Task[int]:
        return asyncio.create_task(self.batches.put(number, self.write))


async def started(desk: Desk, *numbers: int) -> list[asyncio.Task[int]]:
    """Put numbers one by one while the first is being written."""
    tasks = []
    for number in numbers:
        tasks.append(desk.put(number))
        while not desk.groups:
            await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_what_comes_while_a_group_is_written_is_the_next_group() -> None:
    desk = Desk()
    tasks = await started(desk, 1, 2, 3)
    desk.go.set()
    assert await asyncio.gather(*tasks) == [1, 4, 9]
    assert desk.groups == [[1], [2, 3]]
    assert await desk.put(4) == 16


async def test_each_item_has_its_own_answer_and_its_own_fault() -> None:
    desk = Desk()
    tasks = await started(desk, 1, 0, 2)
    desk.go.set()
    one, fault, two = await asyncio.gather(*tasks, return_exceptions=True)
    assert (one, two) == (1, 4)
    assert isinstance(fault, ValueError)


async def test_a_group_that_fails_tells_all_of_it_and_the_next_goes_on() -> None:
    desk = Desk()
    tasks = await started(desk, 13, 2)
    desk.go.set()
    with pytest.raises(ValueError, match="all of the group"):
        await tasks[0]
    assert await tasks[1] == 4


async def test_who_leaves_disturbs_nobody_and_is_written_all_the_same() -> None:
    desk = Desk()
    tasks = await started(desk, 1, 2, 3)
    tasks[0].cancel()
    tasks[1].cancel()
    desk.go.set()
    assert await tasks[2] == 9
    assert desk.groups == [[1], [2, 3]]


async def test_a_large_crowd_is_written_in_several_groups() -> None:
    desk = Desk()
    desk.go.set()
    assert len(await asyncio.gather(*(desk.put(number + 20) for number in range(250)))) == 250
    assert [len(group) for group in desk.groups] == [100, 100, 50]
