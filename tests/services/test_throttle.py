"""The brake on guessing holds a bounded number of keys."""

from datetime import UTC, datetime, timedelta

from payments_app.services import throttle
from payments_app.services.throttle import Limit, Throttle

NOW = datetime(2026, 7, 1, tzinfo=UTC)
LIMIT = Limit(free=1, longest=timedelta(minutes=1))


def test_the_key_that_failed_longest_ago_makes_room() -> None:
    brake = Throttle()
    for number in range(throttle._MOST_KEYS + 1):
        brake.count(f"key {number}", NOW)
    assert brake.wait("key 0", LIMIT, NOW) <= timedelta()
    assert brake.wait("key 1", LIMIT, NOW) == timedelta(seconds=1)


def test_the_wait_runs_from_the_last_failure() -> None:
    brake = Throttle()
    for _ in range(3):
        brake.count("key", NOW)
    assert brake.wait("key", LIMIT, NOW) == timedelta(seconds=4)
    assert brake.wait("key", LIMIT, NOW + timedelta(seconds=4)) <= timedelta()
