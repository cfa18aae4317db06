"""Line charts as SVG, both axes logarithmic, readable on light and dark pages."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_WIDTH, _HEIGHT = 680, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 190, 40, 44
_COLOURS: Final = ("#3e63dd", "#e5484d", "#30a46c", "#f76b15", "#8e4ec6")
_STYLE: Final = (
    "text{font:12px sans-serif;fill:#1c2024}.title{font-weight:600;font-size:14px}"
    ".grid{stroke:#8b8d98;stroke-opacity:.3}"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line's name and its points, from left to right, both coordinates above 0."""

    name: str
    points: Sequence[tuple[float, float]]


def chart(title: str, below: str, lines: Sequence[Line]) -> str:
    """Return a picture of lines; ``below`` says what the horizontal axis counts."""
    across = _Axis.of([x for line in lines for x, _ in line.points], _LEFT, _WIDTH - _RIGHT)
    up = _Axis.of([y for line in lines for _, y in line.points], _HEIGHT - _BOTTOM, _TOP)
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fcfcfd"/>',
        f'<text class="title" x="{_LEFT}" y="22">{escape(title)}</text>',
        f'<text x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(below)}</text>',
        *_grid(across, up),
        *(part for number, line in enumerate(lines) for part in _drawn(number, line, across, up)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


@dataclass(frozen=True, slots=True)
class _Axis:
    """Powers of ten from ``least`` to ``most``, drawn from ``start`` to ``end``."""

    least: int
    most: int
    start: float
    end: float

    @classmethod
    def of(cls, values: Sequence[float], start: float, end: float) -> "_Axis":
        least = math.floor(math.log10(min(values, default=1)))
        most = math.ceil(math.log10(max(values, default=1)))
        return cls(least, max(most, least + 1), start, end)

    def place(self, value: float) -> float:
        share = (math.log10(value) - self.least) / (self.most - self.least)
        return round(self.start + share * (self.end - self.start), 1)

    def marks(self) -> Iterator[tuple[float, str]]:
        for power in range(self.least, self.most + 1):
            yield self.place(10.0**power), f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"


def _grid(across: _Axis, up: _Axis) -> Iterator[str]:
    for x, label in across.marks():
        yield f'<path class="grid" d="M{x} {up.start}V{up.end}"/>'
        yield f'<text x="{x}" y="{up.start + 16}" text-anchor="middle">{label}</text>'
    for y, label in up.marks():
        yield f'<path class="grid" d="M{across.start} {y}H{across.end}"/>'
        yield f'<text x="{across.start - 8}" y="{y + 4}" text-anchor="end">{label}</text>'


def _drawn(number: int, line: Line, across: _Axis, up: _Axis) -> Iterator[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    places = [(across.place(x), up.place(y)) for x, y in line.points]
    path = "L".join(f"{x} {y}" for x, y in places)
    if places:
        yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y in places:
        yield f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'
    x, y = _WIDTH - _RIGHT + 16, _TOP + 10 + 20 * number
    yield f'<path d="M{x} {y}h18" stroke="{colour}" stroke-width="2"/>'
    yield f'<text x="{x + 24}" y="{y + 4}">{escape(line.name)}</text>'
