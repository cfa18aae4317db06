"""Rows that change by themselves: what the page was given, merged with the patches since."""

from dataclasses import dataclass
from typing import Any, Final

import reflex as rx
from reflex.utils.imports import ImportVar
from reflex.vars import VarData

from payments_app.services.list_pages import PAGE_SIZE
from payments_app.services.reports import BalanceLine, Row
from payments_app.state.checkout import CheckoutState
from payments_app.state.detail import DetailState
from payments_app.state.payments import PaymentsState

LIBRARY: Final = "$/public/live_rows.js"


@dataclass(frozen=True, slots=True)
class LiveRow(Row):
    """A row with the classes of how it looks just now."""

    look: str = ""


class _LiveRows(rx.Component):
    """Keeps the rows of one load up to date, for what is drawn inside; see assets/live_rows.js.

    ``rows`` and ``turn`` are one load, ``patch`` what changed since. ``opened`` are the references
    of the payments that are on screen apart from the list.
    """

    library = LIBRARY
    tag = "LiveRows"

    rows: rx.Var[list[Row]]
    turn: rx.Var[int]
    patch: rx.Var[dict[str, Any]]
    order: rx.Var[str]
    narrowed: rx.Var[bool]
    first: rx.Var[bool]
    size: rx.Var[int]
    loaded: rx.Var[int]
    opened: rx.Var[list[str]]

    on_opened_changed: rx.EventHandler[rx.event.passthrough_event_spec(list[str])]
    on_missed: rx.EventHandler[rx.event.no_args_event_spec]


def live_rows(*content: rx.Component) -> rx.Component:
    """Give the content the customer's list as it is, and follow what else is open."""
    return _LiveRows.create(
        *content,
        rows=PaymentsState.rows,
        turn=PaymentsState.turn,
        patch=PaymentsState.patch,
        order=PaymentsState.order,
        narrowed=PaymentsState.narrowed,
        first=~PaymentsState.has_newer,
        size=PAGE_SIZE,
        loaded=PaymentsState.loaded,
        opened=[
            rx.cond(DetailState.is_open, DetailState.reference, ""),
            CheckoutState.stand.reference,
        ],
        on_opened_changed=[DetailState.refresh, CheckoutState.refresh],
        on_missed=PaymentsState.try_again,
    )


def _live(name: str, kind: Any) -> Any:
    """Return what ``live_rows`` gives to its content under this name."""
    data = VarData(
        imports={LIBRARY: [ImportVar(tag="useLive")]}, hooks={"const live = useLive()": None}
    )
    return rx.Var(f"live.{name}", _var_type=kind, _var_data=data).guess_type()


ROWS: Final = _live("rows", list[LiveRow])
WAITING: Final = _live("waiting", int)
"""How many new payments are not shown yet."""
SPOKEN: Final = _live("spoken", str)
"""The latest change in words."""

BALANCES: Final = rx.cond(
    PaymentsState.patch["turn"] == PaymentsState.turn,
    PaymentsState.patch["balances"].to(list[BalanceLine]),
    PaymentsState.balances,
)
"""The balances as they were loaded, or as the latest change since has left them."""
