"""The audit log as staff read it: searched, paged, exported, with the state of its chain."""

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from payments_app.db import audit as rows
from payments_app.db.audit import AuditFilter
from payments_app.db.staff_models import AuditEntry
from payments_app.domain.payment import Role
from payments_app.services import formatting
from payments_app.services.context import Portal
from payments_app.services.identity import Identity

PAGE_SIZE: Final = 50
HEADER: Final = (
    "Number",
    "Date / Time",
    "Actor",
    "User",
    "Address",
    "Action",
    "Subject",
    "Before",
    "After",
    "SHA-256",
)

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")
"""What makes a spreadsheet run a cell (OWASP, CSV Injection), full-width forms included."""


class Search(BaseModel):
    """What the log is narrowed to; it comes from a browser, so it is validated here."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    actor: str = Field(default="", max_length=100, pattern=r"^[^\x00]*$")
    action: str = Field(default="", max_length=60, pattern=r"^[^\x00]*$")
    subject: str = Field(default="", max_length=100, pattern=r"^[^\x00]*$")

    @property
    def narrowed(self) -> bool:
        """Whether it leaves any row out."""
        return self != Search()

    def filter(self) -> AuditFilter:
        """Return the rows' own terms: actions are written with underscores."""
        return AuditFilter(self.actor, self.action.replace(" ", "_"), self.subject)


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that an action changed; empty where there was none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the log as text to show; ``change`` is its differences in one line."""

    id: int
    at: str
    actor: str
    address: str
    action: str
    subject: str
    change: str
    differences: tuple[Difference, ...]
    hash: str


@dataclass(frozen=True, slots=True)
class LogPage:
    """One page of the log. ``older`` is where the next one starts, None behind the last."""

    lines: tuple[Line, ...]
    older: int | None


@dataclass(frozen=True, slots=True)
class Chain:
    """How the chain stood at its last full check, ``age`` seconds ago; -1 before the first.

    ``broken`` is the number of the first row that does not hold, 0 for none.
    """

    rows: str
    age: int
    broken: int
    hash: str


async def list_page(portal: Portal, who: Identity, search: Search, before: int | None) -> LogPage:
    """Return a page of the log, the newest rows first."""
    who.require(Role.VIEWER)
    async with portal.db.read() as session:
        found = await rows.page(session, search.filter(), before, PAGE_SIZE + 1)
    shown = found[:PAGE_SIZE]
    older = shown[-1].key if len(found) > PAGE_SIZE else None
    return LogPage(tuple(_line(entry, who) for entry in shown), older)


async def chain(portal: Portal, who: Identity) -> Chain:
    """Return how the chain stood when it was checked last."""
    who.require(Role.VIEWER)
    async with portal.db.read() as session:
        head = await rows.head(session)
    age = -1 if head.checked_at is None else int((portal.clock() - head.checked_at).total_seconds())
    return Chain(
        rows=formatting.count(head.entry_id, who.locale),
        age=age,
        broken=head.broken_id or 0,
        hash=head.hash.hex(),
    )


async def csv_pieces(portal: Portal, who: Identity) -> AsyncIterator[str]:
    """Give the whole log as CSV piece by piece; the last hash proves later what was there."""
    who.require(Role.VIEWER)
    yield _csv([HEADER])
    async with portal.db.read() as session:
        head = await rows.head(session)
        async for some in rows.stream(session, head.entry_id):
            yield _csv(_cells(entry) for entry in some)


def _cells(entry: AuditEntry) -> tuple[str, ...]:
    return (
        str(entry.key),
        entry.at.isoformat(),
        _harmless(entry.actor),
        str(entry.user_id or ""),
        entry.address,
        entry.action,
        _harmless(entry.subject),
        json.dumps(entry.before, sort_keys=True),
        json.dumps(entry.after, sort_keys=True),
        entry.hash.hex(),
    )


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _csv(lines: Iterable[Sequence[str]]) -> str:
    piece = io.StringIO(newline="")
    csv.writer(piece).writerows(lines)
    return piece.getvalue()


def _line(entry: AuditEntry, who: Identity) -> Line:
    differences = _differences(entry.before, entry.after)
    return Line(
        id=entry.key,
        at=formatting.day_and_time(entry.at, who.locale, who.time_zone),
        actor=entry.actor,
        address=entry.address,
        action=entry.action.replace("_", " ").capitalize(),
        subject=entry.subject,
        change=", ".join(_change(one) for one in differences),
        differences=differences,
        hash=entry.hash.hex(),
    )


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Pair the values; what stayed as it was is left out."""
    names = [*before, *(name for name in after if name not in before)]
    return tuple(
        Difference(name.replace("_", " "), _text(before.get(name)), _text(after.get(name)))
        for name in names
        if before.get(name) != after.get(name)
    )


def _change(one: Difference) -> str:
    if not one.before:
        return f"{one.name}: {one.after}"
    return f"{one.name}: {one.before} \N{RIGHTWARDS ARROW} {one.after or 'none'}"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return value if isinstance(value, str) else json.dumps(value)
