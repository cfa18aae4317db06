"""The dialog that opens a balance to what it is made of."""

from dataclasses import dataclass
from typing import Final

from payments_app.domain.errors import UnknownCurrency
from payments_app.services import balance_story
from payments_app.services.balance_story import PERIODS, KindLine, Move, Point
from payments_app.services.context import current
from payments_app.state.gate import customer_event
from payments_app.state.session import SessionState

WIDTH: Final = 440
HEIGHT: Final = 100
"""Of each chart, in its own units."""

_GAP: Final = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """What came in and went out in one stretch, as two bars that grow from the bottom."""

    label: str
    x: int
    width: int
    in_y: int
    in_height: int
    out_x: int
    out_y: int
    out_height: int


class BalanceState(SessionState):
    """The story of one currency, its charts already measured."""

    is_open: bool = False
    currency: str = ""
    name: str = ""
    period: str = balance_story.DAYS
    opening: str = ""
    lines: list[KindLine] = []
    closing: str = ""
    points: list[Point] = []
    moves: list[Move] = []
    curve: str = ""
    zero: int = HEIGHT
    bars: list[Bar] = []

    @customer_event(reads=True)
    async def open(self, currency: str) -> None:
        """Open the dialog for one currency."""
        self.currency, self.period = str(currency)[:3], balance_story.DAYS
        await self._read()

    @customer_event(reads=True)
    async def moved(self, is_open: bool) -> None:
        """Close the dialog."""
        self.is_open = self.is_open and is_open is True

    @customer_event(reads=True)
    async def choose(self, period: str) -> None:
        """Tell the story over another period."""
        if period in PERIODS and self.currency:
            self.period = period
            await self._read()

    async def _read(self) -> None:
        who = await self._identity()
        if who is None:
            return
        try:
            told = await balance_story.story(current(), who, self.currency, self.period)
        except UnknownCurrency:
            return
        self.name, self.opening, self.closing = told.currency, told.opening, told.closing
        self.lines, self.points = list(told.lines), list(told.points)
        self.moves = list(told.moves)
        self.curve, self.zero = curve_of([point.balance for point in told.points])
        self.bars = bars_of(told.points)
        self.is_open = True


def curve_of(balances: list[int]) -> tuple[str, int]:
    """Return the path of a step line through the balances, and the height of zero."""
    highest, lowest = max(0, *balances), min(0, *balances)
    span = max(1, highest - lowest)

    def y(balance: int) -> int:
        return (highest - balance) * HEIGHT // span

    step = WIDTH // len(balances)
    moves = [f"M0 {y(balances[0])}"]
    for number, balance in enumerate(balances):
        moves.append(f"V{y(balance)}H{(number + 1) * step}")
    return "".join(moves), y(0)


def bars_of(points: tuple[Point, ...]) -> list[Bar]:
    """Return the bars of each stretch, all to one scale."""
    most = max(1, *(max(point.came_in, point.went_out) for point in points))
    step = WIDTH // len(points)
    width = max(2, (step - 2 * _GAP) // 2)
    bars = []
    for number, point in enumerate(points):
        came, went = (value * HEIGHT // most for value in (point.came_in, point.went_out))
        x = number * step + _GAP
        bars.append(Bar(point.label, x, width, HEIGHT - came, came, x + width, HEIGHT - went, went))
    return bars
