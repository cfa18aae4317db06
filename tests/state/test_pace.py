"""A tab sends as fast as it likes for a moment, and then only so fast."""

import pytest

from payments_app.state import pace
from payments_app.state.pace import BURST, SECONDS_EACH, Pace


class Seconds:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Seconds:
    seconds = Seconds()
    monkeypatch.setattr(pace.time, "monotonic", seconds)
    return seconds


def test_a_burst_is_free_and_what_follows_is_spread(seconds: Seconds) -> None:
    tab = Pace()
    assert [tab.delay() for _ in range(BURST)] == [0] * BURST
    assert tab.delay() == SECONDS_EACH
    seconds.now += SECONDS_EACH
    assert tab.delay() == pytest.approx(SECONDS_EACH)


def test_a_pause_makes_up_for_it(seconds: Seconds) -> None:
    tab = Pace()
    late = [tab.delay() for _ in range(2 * BURST)]
    assert max(late) == BURST * SECONDS_EACH
    seconds.now += 2 * BURST * SECONDS_EACH
    assert tab.delay() == 0
    assert tab.late == 0
