"""What the staff's list of payments is narrowed to and sorted by, as it stands in the address."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Final, Self
from urllib.parse import parse_qsl, urlencode

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from payments_app.db.payments import Order
from payments_app.db.staff_payments import StaffFilter
from payments_app.domain.payment import PaymentStatus
from payments_app.services import formatting
from payments_app.services.identity import Identity
from payments_app.services.view import NO_GATEWAY

_EARLIEST: Final = date(1900, 1, 1)
_LATEST: Final = date(2999, 12, 31)
_MOST_VALUES: Final = 50


def _split(value: object) -> object:
    """Take several values as an address writes them: between commas."""
    if isinstance(value, str):
        return tuple(dict.fromkeys(part for part in value.split(",") if part))
    return value


_Code = Annotated[str, Field(max_length=30, pattern=r"^[\w.-]+$")]
_Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
_Key = Annotated[int, Field(gt=0, lt=2**63)]
_Amount = Annotated[Decimal, Field(allow_inf_nan=False, max_digits=15, decimal_places=3)]


class StaffView(BaseModel):
    """What of the list is on screen; each field that is set narrows it.

    The days are the user's, both inclusive. ``least`` and ``most`` are signed amounts in a
    currency's main unit. It comes from a browser, so it is validated here.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    search: str = Field(default="", max_length=100, pattern=r"^[^\x00]*$")
    since: date | None = Field(default=None, ge=_EARLIEST, le=_LATEST)
    until: date | None = Field(default=None, ge=_EARLIEST, le=_LATEST)
    status: Annotated[tuple[PaymentStatus, ...], BeforeValidator(_split)] = Field(
        default=(), max_length=_MOST_VALUES
    )
    method: Annotated[tuple[_Code, ...], BeforeValidator(_split)] = Field(
        default=(), max_length=_MOST_VALUES
    )
    currency: Annotated[tuple[_Currency, ...], BeforeValidator(_split)] = Field(
        default=(), max_length=_MOST_VALUES
    )
    account: Annotated[tuple[_Key, ...], BeforeValidator(_split)] = Field(
        default=(), max_length=_MOST_VALUES
    )
    least: _Amount | None = None
    most: _Amount | None = None
    order: Order = Order.NEWEST

    @classmethod
    def from_query(cls, query: str) -> Self:
        """Read the query of an address; what makes no sense is left out, the rest holds."""
        view = cls()
        for name, value in parse_qsl(query[:4000]):
            if name in cls.model_fields:
                try:
                    view = view.changed(**{name: value})
                except ValidationError:
                    continue
        return view

    def query(self) -> str:
        """Return the view as the query of an address, empty for the plain list."""
        fields = self.model_dump(mode="json", exclude_defaults=True)
        return urlencode(
            {
                name: ",".join(map(str, value)) if isinstance(value, list) else value
                for name, value in fields.items()
            },
            safe=",",
        )

    @property
    def narrowed(self) -> bool:
        """Whether it leaves any payment out."""
        return self != StaffView(order=self.order)

    def changed(self, **fields: object) -> Self:
        """Return the view with some fields set anew; raises ValidationError."""
        return self.model_validate(self.model_dump() | fields)

    def toggled(self, name: str, value: str) -> Self:
        """Return the view with one value of a field put in, or taken out when it is in.

        Raises ValidationError, and KeyError for a field that takes no several values.
        """
        chosen = {
            field: getattr(self, field) for field in ("status", "method", "currency", "account")
        }
        kept = [str(one) for one in chosen[name]]
        kept = [one for one in kept if one != value] if value in kept else [*kept, value]
        return self.changed(**{name: tuple(kept)})

    def filter(self, who: Identity) -> StaffFilter:
        """Return the rows that the view shows, its days taken in the user's zone."""
        zone = formatting.zone_of(who.time_zone)

        def midnight(day: date | None) -> datetime | None:
            return None if day is None else datetime.combine(day, time(), zone)

        return StaffFilter(
            search=self.search,
            since=midnight(self.since),
            until=midnight(self.until and self.until + timedelta(days=1)),
            statuses=self.status,
            gateways=tuple("" if code == NO_GATEWAY else code for code in self.method),
            currencies=self.currency,
            accounts=self.account,
            least=None if self.least is None else int(self.least.scaleb(3)),
            most=None if self.most is None else int(self.most.scaleb(3)),
        )
