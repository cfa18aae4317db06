"""Group commit: what arrives while one group is being written is written as the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_LARGEST: Final = 100
"""Items of one group: more would only let the first of them wait longer."""


class Batches(Generic[Item, Answer]):
    """Writes items group by group; nobody waits for a clock, and an idle one writes at once."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def put(
        self,
        item: Item,
        write: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | Exception]]],
    ) -> Answer:
        """Have an item written with those that wait, and return its own answer.

        ``write`` returns the answers in the order of the items. Raises the exception that is the
        item's answer, or that ``write`` ends with.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all(write))
        return await answer

    async def _write_all(
        self, write: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | Exception]]]
    ) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:_LARGEST], self._waiting[_LARGEST:]
            answers: Sequence[Answer | Exception]
            try:
                answers = await write([item for item, _ in group])
            except Exception as error:  # noqa: BLE001 - whoever waits is told, and the next group goes on
                answers = [error] * len(group)
            for (_, waiting), answer in zip(group, answers, strict=True):
                if waiting.done():
                    continue  # who asked has left
                if isinstance(answer, Exception):
                    waiting.set_exception(answer)
                else:
                    waiting.set_result(answer)
