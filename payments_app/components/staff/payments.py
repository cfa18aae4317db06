"""The staff's list of all payments, live."""

from typing import Any, Final

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from payments_app.components.look import PlainLink, RowKeys
from payments_app.components.staff import parts, table
from payments_app.components.staff.add_payment import add_payment_button
from payments_app.components.staff.filters import amounts, chosen, columns, days, multiple, search
from payments_app.components.staff.live import LiveTable, Updated
from payments_app.components.staff.saved_views import saved_views
from payments_app.components.words import t
from payments_app.db.payments import Order
from payments_app.domain.payment import Role
from payments_app.services.list_pages import PAGE_SIZE
from payments_app.services.staff_payments import Figure
from payments_app.state.session import SessionState
from payments_app.state.staff.detail import APPROVE, CANCEL, REFUND, StaffDetailState
from payments_app.state.staff.payments import ASK, EVENTS, OPEN, StaffPaymentsState

COLUMNS: Final = (
    {"key": "account", "label": t("Account"), "className": ""},
    {
        "key": "date",
        "label": t("Date"),
        "className": "soft tabular",
        "up": Order.OLDEST.value,
        "down": Order.NEWEST.value,
    },
    {"key": "description", "label": t("Description"), "className": "cut"},
    {"key": "method", "label": t("Method"), "className": "soft"},
    {"key": "status", "label": t("Status"), "className": ""},
    {
        "key": "total",
        "label": t("Total"),
        "className": "end tabular strong",
        "up": Order.LOWEST.value,
        "down": Order.HIGHEST.value,
    },
    {"key": "fee", "label": t("Fee"), "className": "end tabular soft"},
    {"key": "age", "label": t("Pending for"), "className": "end tabular soft"},
)
"""In the order of the table; the description always stays, since it opens the payment."""

_TEXTS: Final = {
    "name": t("Payments of all accounts"),
    "private": t("For staff only"),
    "actions": t("Actions"),
    "menu": t("Actions for {reference}"),
}


_LOOKS: Final = {OPEN: t("Open"), EVENTS: t("Show webhooks")}
_ACTS: Final = {
    APPROVE: t("Approve"),
    CANCEL: t("Cancel"),
    REFUND: t("Refund"),
    ASK: t("Ask the provider now"),
}


def staff_payments() -> rx.Component:
    """Show the list with what narrows it, or why there is none."""
    return rx.fragment(
        parts.section_head(t("Payments"), _live_mark(), _export(), add_payment_button()),
        rx.el.div(
            search(),
            saved_views(),
            multiple(t("Status"), "status", StaffPaymentsState.statuses),
            multiple(t("Method"), "method", StaffPaymentsState.methods),
            multiple(t("Currency"), "currency", StaffPaymentsState.currencies),
            multiple(t("Account"), "account", StaffPaymentsState.accounts, searchable=True),
            days(),
            amounts(),
            columns(COLUMNS),
            class_name="staff-tools",
            role="search",
        ),
        chosen(),
        parts.stats(
            rx.cond(
                StaffPaymentsState.adding_up,
                _adding_up(),
                rx.foreach(StaffPaymentsState.figures, _figure),
            )
        ),
        rx.match(
            StaffPaymentsState.phase,
            (
                "error",
                table.failed(
                    t("The payments cannot be shown just now"),
                    StaffPaymentsState.error_reference,
                    StaffPaymentsState.try_again,
                ),
            ),
            rx.fragment(_table(), _nothing()),
        ),
        RowKeys.create(opened=_opened()),
    )


def _opened() -> Any:
    return rx.cond(StaffDetailState.is_open, StaffDetailState.reference, "")


def _table() -> rx.Component:
    return rx.fragment(
        LiveTable.create(
            rows=StaffPaymentsState.rows,
            turn=StaffPaymentsState.turn,
            patch=StaffPaymentsState.patch,
            columns=list(COLUMNS),
            hidden=StaffPaymentsState.hidden,
            order=StaffPaymentsState.order,
            first=~StaffPaymentsState.has_newer,
            size=PAGE_SIZE,
            loaded=StaffPaymentsState.loaded,
            loading=StaffPaymentsState.phase == "loading",
            texts={**_TEXTS, "locale": StaffPaymentsState.locale},
            deeds=rx.cond(SessionState.role == Role.VIEWER.value, _LOOKS, {**_LOOKS, **_ACTS}),
            opened=[_opened()],
            on_open=StaffDetailState.open,
            on_deed=StaffPaymentsState.act,
            on_opened_changed=StaffDetailState.refresh,
            on_sort=StaffPaymentsState.sort,
            on_first=StaffPaymentsState.go_first,
            on_missed=StaffPaymentsState.try_again,
        ),
        rx.cond(
            StaffPaymentsState.range_text != "",
            table.pages(
                StaffPaymentsState.range_text,
                StaffPaymentsState.go_newer,
                StaffPaymentsState.has_newer,
                StaffPaymentsState.go_older,
                StaffPaymentsState.has_older,
            ),
        ),
    )


def _nothing() -> rx.Component:
    return rx.cond(
        (StaffPaymentsState.phase == "ready") & (StaffPaymentsState.range_text == ""),
        rx.cond(
            StaffPaymentsState.narrowed,
            table.no_match(
                t("No payment matches"), StaffPaymentsState.filters_text, StaffPaymentsState.clear
            ),
            table.empty("wallet", t("No payments yet"), t("The first one shows here by itself.")),
        ),
    )


def _adding_up() -> rx.Component:
    """Stand where the figures will be, and ask for them, once for each list that is shown."""
    return rx.el.div(
        parts.stat(t("Total"), "\N{HORIZONTAL ELLIPSIS}", t("adding up the list")),
        key=StaffPaymentsState.turn.to(str),
        on_mount=StaffPaymentsState.add_up,
        aria_busy=True,
    )


def _figure(figure: Figure) -> rx.Component:
    return parts.stat(
        figure.currency, figure.completed, t("completed, {rows} payments", rows=figure.rows)
    )


def _live_mark() -> rx.Component:
    return rx.cond(
        has_connection_errors,
        rx.el.span(t("Reconnecting"), class_name="live away"),
        rx.el.span(
            t("Live"),
            Updated.create(
                stamp=f"{StaffPaymentsState.turn}-{StaffPaymentsState.patch['last']}",
                text=t("updated {ago}"),
                locale=StaffPaymentsState.locale,
            ),
            class_name="live",
        ),
    )


def _export() -> rx.Component:
    label = t("Download as CSV")
    return rx.tooltip(
        rx.icon_button(
            PlainLink.create(
                rx.icon("download", size=16),
                href=StaffPaymentsState.export_address,
                download=True,
                aria_label=label,
            ),
            as_child=True,
            variant="surface",
            color_scheme="gray",
            size="2",
        ),
        content=label,
    )
