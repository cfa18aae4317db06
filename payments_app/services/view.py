"""What a list of payments is narrowed to and sorted by, as a browser sends it."""

from datetime import date, datetime, time, timedelta
from typing import Final, Self
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from payments_app.db.payments import Filter, Order
from payments_app.db.search import NEWEST_READ, is_short
from payments_app.domain.payment import PaymentStatus
from payments_app.services import formatting
from payments_app.services.catalogues import say
from payments_app.services.identity import Identity

NO_GATEWAY: Final = "none"
"""The method that stands for rows of no gateway, such as purchases."""

_NO_NUL: Final = r"^[^\x00]*$"  # which PostgreSQL does not take in a text
_EARLIEST: Final = date(1900, 1, 1)
_LATEST: Final = date(2999, 12, 31)


class View(BaseModel):
    """What of the list is on screen; the days are the user's, both inclusive.

    It comes from a browser, as events or as the query of an address, so it is validated here.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    search: str = Field(default="", max_length=100, pattern=_NO_NUL)
    since: date | None = Field(default=None, ge=_EARLIEST, le=_LATEST)
    until: date | None = Field(default=None, ge=_EARLIEST, le=_LATEST)
    status: PaymentStatus | None = None
    method: str = Field(default="", max_length=30, pattern=_NO_NUL)
    order: Order = Order.NEWEST

    @property
    def narrowed(self) -> bool:
        """Whether it leaves any payment out."""
        return self != View(order=self.order)

    def query(self) -> str:
        """Return the view as the query of an address."""
        return urlencode(self.model_dump(mode="json", exclude_defaults=True))

    def changed(self, **fields: object) -> Self:
        """Return the view with some fields set anew; raises ValidationError."""
        return self.model_validate(self.model_dump() | fields)

    def filter(self, who: Identity) -> Filter:
        """Return the customer's own rows that the view shows."""
        zone = formatting.zone_of(who.time_zone)

        def midnight(day: date | None) -> datetime | None:
            return None if day is None else datetime.combine(day, time(), zone)

        return Filter(
            account_id=who.own_account(),
            search=self.search,
            since=midnight(self.since),
            until=midnight(self.until and self.until + timedelta(days=1)),
            status=self.status,
            gateway="" if self.method == NO_GATEWAY else self.method or None,
        )


def searched_text(text: str, locale: str) -> str:
    """Say what is searched for, and where only part of the payments is looked at for it."""
    quoted = f"\N{LEFT DOUBLE QUOTATION MARK}{text}\N{RIGHT DOUBLE QUOTATION MARK}"
    if not is_short(text):
        return quoted
    return say(
        "{text} in the newest {count} payments (in all of them from three letters on)",
        text=quoted,
        count=formatting.count(NEWEST_READ, locale),
    )
