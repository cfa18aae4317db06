"""The bar of a long command, on standard error: its answer alone stands on standard output."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def bar(label: str, total: int | None = None, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Show how far the block is; give the function that it calls with what was done since.

    Without a total the bar only shows that work goes on, and for how long.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
        task = progress.add_task(label, total=total)
        yield lambda done: progress.advance(task, done)
        progress.update(task, total=total or 1, completed=total or 1)
