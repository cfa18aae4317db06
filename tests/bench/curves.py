"""``python -m tests.bench.curves``: how the jobs grow with the payments and with the open tabs.

Measures at 1,000 to 1,000,000 payments on both databases, writes ``var/bench/curves.json`` and
draws ``docs/curves``. With ``--draw`` it only draws what was measured before.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from payments_app.cli.build import ROOT, ensure_built
from tests.bench import export, live, pages, webhook
from tests.bench.__main__ import DATABASES, running
from tests.bench.data import FOLDER, MILLION, SMALL
from tests.bench.drawing import Line, chart
from tests.bench.figures import Figure

SIZES: Final = (SMALL, 10_000, 100_000, MILLION)
FOLDER_OF_CHARTS: Final = ROOT / "docs" / "curves"

_MEASURED: Final = FOLDER / "curves.json"
_JOBS: Final = (pages.measure, export.measure, webhook.measure)
_NAMES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_PROGRAMS: Final = {"sqlite": "sqlite3 -csv", "postgresql": "psql \\copy"}
_PAGES: Final = ("first page", "deep page", "filtered page", "search, few hits", "one balance read")


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement at so many payments or, of the job ``live``, open tabs."""

    database: str
    size: int
    job: str
    what: str
    value: float
    limit: float | None


async def measure() -> None:
    """Measure everything; each size has a portal of its own. What is measured is kept at once."""
    points: list[Point] = []
    for database, bench in DATABASES.items():
        for rows in SIZES:
            print(f"{database}: {rows:,} payments ...", flush=True)
            async with running(bench(rows)) as stand:
                for job in _JOBS:
                    points += [_point(database, rows, one) for one in await job(stand)]
                if rows == SMALL:
                    tabs = await live.measure(stand)
                    points += [_point(database, _tabs(one), one) for one in tabs]
            _MEASURED.write_text(json.dumps([asdict(point) for point in points], indent=1))


def _point(database: str, size: int, figure: Figure) -> Point:
    return Point(database, size, figure.job, figure.what, figure.value, figure.limit)


def _tabs(figure: Figure) -> int:
    """Return the number in ``last of 100 tabs``."""
    return next(int(word) for word in figure.what.split() if word.isdigit())


def draw(points: Sequence[Point]) -> None:
    """Draw the charts."""
    FOLDER_OF_CHARTS.mkdir(exist_ok=True)
    charts = {
        f"list-{database}": chart(
            f"{name}: from click to rows, ms",
            "payments of the account",
            [_line(points, database, "list", what, what) for what in _PAGES],
        )
        for database, name in _NAMES.items()
    }
    charts["csv"] = chart(
        "CSV, s", "payments of the account", _both(points, "csv", "all rows", limits=True)
    )
    charts["webhook"] = chart(
        "Webhooks settled, /s", "payments", _both(points, "webhook", "settled, of single commits")
    )
    charts["webhook-time"] = chart(
        "Processor time of a webhook, ms",
        "payments",
        _both(points, "webhook", "processor time of one, portal"),
    )
    charts["live"] = chart(
        "A webhook to the last open tab, ms", "tabs", _both(points, "live", "last")
    )
    for name, drawn in charts.items():
        (FOLDER_OF_CHARTS / f"{name}.svg").write_text(drawn)


def _both(points: Sequence[Point], job: str, what: str, *, limits: bool = False) -> list[Line]:
    lines = [_line(points, code, job, what, name) for code, name in _NAMES.items()]
    if limits:
        lines += [
            Line(
                program,
                [(one.size, one.limit) for one in _of(points, code, job, what) if one.limit],
            )
            for code, program in _PROGRAMS.items()
        ]
    return lines


def _line(points: Sequence[Point], database: str, job: str, what: str, name: str) -> Line:
    return Line(name, [(one.size, one.value) for one in _of(points, database, job, what)])


def _of(points: Sequence[Point], database: str, job: str, what: str) -> list[Point]:
    def chosen(one: Point) -> bool:
        named = one.what.startswith(what) if job == "live" else one.what == what
        return one.database == database and one.job == job and named

    return sorted(filter(chosen, points), key=lambda one: one.size)


def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.curves", description=__doc__)
    parser.add_argument("--draw", action="store_true", help="only draw what was measured before")
    if not parser.parse_args().draw:
        ensure_built()
        asyncio.run(measure())
    written: list[dict[str, Any]] = json.loads(_MEASURED.read_text())
    draw([Point(**one) for one in written])


if __name__ == "__main__":
    main()
