"""The tables of operations: what owners set over gateways, how gateways answer, reconciliation."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Date, Index
from sqlmodel import Field, SQLModel

from payments_app.db.columns import Stored, key_column, reference_to, time_column


class GatewayOverride(SQLModel, table=True):
    """What owners set over the environment's settings of one gateway; never a secret."""

    __tablename__ = "gateway_override"

    gateway: str = Field(max_length=30, primary_key=True)
    chosen: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    set_at: datetime = time_column()
    set_by: int | None = reference_to("app_user.id", default=None)


class GatewayMinute(SQLModel, table=True):
    """The calls of one gateway that ended in one minute, over all workers.

    ``milliseconds`` is the calls' time added up.
    """

    __tablename__ = "gateway_minute"

    gateway: str = Field(max_length=30, primary_key=True)
    minute: datetime = time_column(primary_key=True)
    calls: int = 0
    faults: int = 0
    milliseconds: int = Field(default=0, sa_type=BigInteger)
    last_success_at: datetime | None = time_column(default=None)
    last_fault_at: datetime | None = time_column(default=None)
    last_fault: str | None = Field(default=None, max_length=200)


class Reconciliation(Stored, table=True):
    """One comparison of a gateway's payments of one UTC day with ours.

    ``method`` is ``listed`` or ``looked_up``, ``failed`` why there is no result. ``totals`` are
    minor units by currency, ``{"USD": [ours, theirs]}``.
    """

    id: int | None = key_column()
    gateway: str = Field(max_length=30)
    day: date = Field(sa_type=Date)
    method: str = Field(max_length=20)
    failed: str | None = Field(default=None, max_length=200)
    actor: str = Field(max_length=254)
    compared: int = 0
    totals: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    started_at: datetime = time_column()
    finished_at: datetime = time_column()

    __table_args__ = (Index("ix_reconciliation_gateway_day", "gateway", "day", "id"),)


class Difference(Stored, table=True):
    """One difference that a comparison found. Amounts are minor units of the charged currency.

    ``ours`` and ``theirs`` are None where that side has nothing; ``settled_as`` is what pulling it
    in did.
    """

    __tablename__ = "reconciliation_difference"

    id: int | None = key_column()
    reconciliation_id: int = reference_to("reconciliation.id", index=True)
    kind: str = Field(max_length=20)
    payment_id: int | None = reference_to("payment.id", default=None)
    reference: str | None = Field(default=None, max_length=128)
    gateway_reference: str | None = Field(default=None, max_length=128)
    currency: str | None = Field(default=None, max_length=3)
    ours: int | None = Field(default=None, sa_type=BigInteger)
    theirs: int | None = Field(default=None, sa_type=BigInteger)
    our_status: str | None = Field(default=None, max_length=20)
    their_status: str | None = Field(default=None, max_length=20)
    at: datetime | None = time_column(default=None)
    settled_at: datetime | None = time_column(default=None)
    settled_as: str | None = Field(default=None, max_length=40)
