"""Offsets of time zones, compared with the zone itself."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments_app.db.offsets import offsets_between

FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
ZONES = ["UTC", "Europe/London", "America/New_York", "Asia/Manila", "Australia/Lord_Howe"]
OFFSETS = {name: offsets_between(ZoneInfo(name), FIRST, LAST) for name in ZONES}


@given(
    st.sampled_from(ZONES),
    st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None), timezones=st.just(UTC)),
)
def test_the_offset_that_holds_is_the_zones(name: str, at: datetime) -> None:
    held = [offset for start, offset in OFFSETS[name] if start <= at][-1]
    assert held == at.astimezone(ZoneInfo(name)).utcoffset()


@pytest.mark.parametrize("name", ZONES)
def test_each_change_is_found_to_the_second(name: str) -> None:
    for start, offset in OFFSETS[name][1:]:
        just_before = start - timedelta(seconds=1)
        assert start.astimezone(ZoneInfo(name)).utcoffset() == offset
        assert just_before.astimezone(ZoneInfo(name)).utcoffset() != offset
