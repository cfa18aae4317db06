"""What is measured, and how it is printed."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

_HEAD: Final = ("job", "database", "what", "here", "limit", "ratio", "to reach")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement, with the machine's limit that was measured beside it.

    ``goal`` says what is to be reached, as text. The limit is in the same unit.
    """

    job: str
    what: str
    value: float
    unit: str
    limit: float | None = None
    goal: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times the limit it is."""
        return self.value / self.limit if self.limit else None


def machine() -> dict[str, Any]:
    """Describe the machine, and how busy it is with other work just now."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "system": platform.release(),
        "python": platform.python_version(),
    }


def table(figures: Sequence[tuple[str, Figure]]) -> str:
    """Write figures as a table; each comes with its database's name."""
    lines = [_HEAD, *(_line(database, figure) for database, figure in figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def as_json(figures: Sequence[tuple[str, Figure]]) -> dict[str, Any]:
    """Return everything for other programs."""
    rows = [{"database": name, **asdict(figure), "ratio": figure.ratio} for name, figure in figures]
    return {"machine": machine(), "figures": rows}


def _line(database: str, figure: Figure) -> tuple[str, ...]:
    return (
        figure.job,
        database,
        figure.what,
        f"{_short(figure.value)} {figure.unit}",
        "" if figure.limit is None else f"{_short(figure.limit)} {figure.unit}",
        "" if figure.ratio is None else f"{figure.ratio:.2f}x",
        figure.goal,
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.2f}"
