"""The list of payments: a table that becomes cards on narrow screens, in all its states."""

import reflex as rx

from payments_app.components.checkout import payment_buttons
from payments_app.components.first_rows import first_rows, first_zone
from payments_app.components.live import ROWS, SPOKEN, WAITING, LiveRow, live_rows
from payments_app.components.pieces import method_icon, status_pill
from payments_app.components.words import t, tn
from payments_app.db.payments import Order
from payments_app.state.payments import PaymentsState

_BONES = 8
_IN_DATE_ORDER = (PaymentsState.order == Order.NEWEST.value) | (
    PaymentsState.order == Order.OLDEST.value
)
"""Whether the balances that the rows left follow each other down the list."""


def payment_table() -> rx.Component:
    """Show the list, or why there is none."""
    return live_rows(
        rx.el.p(SPOKEN, class_name="sr-only", role="status"),
        rx.cond(
            WAITING > 0,
            rx.button(
                rx.icon("arrow-up", size=14, aria_hidden="true"),
                tn("{count} new payment", "{count} new payments", WAITING),
                on_click=PaymentsState.go_first,
                size="1",
                radius="full",
                class_name="news",
            ),
        ),
        rx.match(
            PaymentsState.phase,
            ("loading", _table(first_rows(), rx.el.tbody(*[_bones() for _ in range(_BONES)]))),
            ("error", _error()),
            rx.cond(
                ROWS.length() > 0,
                rx.fragment(_table(rx.el.tbody(rx.foreach(ROWS, _row))), _pages()),
                rx.cond(PaymentsState.narrowed, _no_match(), _empty()),
            ),
        ),
    )


def _table(*bodies: rx.Component) -> rx.Component:
    return rx.el.table(
        rx.el.thead(
            rx.el.tr(
                _sortable(
                    t("Date / Time"),
                    PaymentsState.sort_by_date,
                    ascending=Order.OLDEST,
                    descending=Order.NEWEST,
                    beside=rx.cond(
                        PaymentsState.phase == "loading",
                        first_zone(),
                        rx.el.span(PaymentsState.time_zone, class_name="zone"),
                    ),
                ),
                rx.el.th(t("Description"), scope="col"),
                rx.el.th(t("Method"), scope="col"),
                rx.el.th(t("Status"), scope="col"),
                _sortable(
                    t("Total"),
                    PaymentsState.sort_by_total,
                    ascending=Order.LOWEST,
                    descending=Order.HIGHEST,
                    class_name="end",
                ),
                rx.cond(_IN_DATE_ORDER, rx.el.th(t("Balance"), scope="col", class_name="end")),
            )
        ),
        *bodies,
        class_name="payments",
        aria_label=t("Payments"),
        aria_busy=PaymentsState.phase == "loading",
    )


def _sortable(
    label: rx.Var[str],
    on_click: rx.EventHandler,
    *,
    ascending: Order,
    descending: Order,
    beside: rx.Component | None = None,
    class_name: str = "",
) -> rx.Component:
    up = PaymentsState.order == ascending.value
    down = PaymentsState.order == descending.value
    return rx.el.th(
        rx.el.button(
            label,
            rx.match(
                PaymentsState.order,
                (ascending.value, rx.icon("arrow-up", size=12)),
                (descending.value, rx.icon("arrow-down", size=12)),
                rx.icon("chevrons-up-down", size=12, class_name="unsorted"),
            ),
            type="button",
            on_click=on_click,
        ),
        beside or rx.fragment(),
        scope="col",
        class_name=class_name,
        aria_sort=rx.cond(up, "ascending", rx.cond(down, "descending", "none")),
    )


def _row(row: LiveRow) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            row.date,
            rx.cond(row.date_note != "", rx.el.small(row.date_note)),
            class_name="when tabular",
        ),
        rx.el.td(
            rx.link(
                row.description,
                href=f"/?payment={row.reference}",
                underline="none",
                color="inherit",
                _hover={},
                class_name="row-link",
                custom_attrs={"data-reference": row.reference},
            ),
            rx.cond(row.note != "", rx.el.small(row.note)),
            class_name="what",
        ),
        rx.el.td(
            rx.el.span(method_icon(row.icon), rx.el.span(row.method), class_name="method"),
            class_name="how",
        ),
        rx.el.td(status_pill(row.status, row.status_label), class_name="status"),
        rx.el.td(row.total, class_name="total tabular"),
        rx.cond(_IN_DATE_ORDER, rx.el.td(row.balance, class_name="balance tabular")),
        class_name=f"{row.status} {row.look}",
        key=row.reference,
    )


def _bones() -> rx.Component:
    return rx.el.tr(
        rx.el.td(rx.skeleton(width="132px", height="14px"), class_name="when"),
        rx.el.td(rx.skeleton(width="180px", height="14px"), class_name="what"),
        rx.el.td(rx.skeleton(width="110px", height="14px"), class_name="how"),
        rx.el.td(rx.skeleton(width="76px", height="14px"), class_name="status"),
        rx.el.td(rx.skeleton(width="64px", height="14px"), class_name="total"),
        rx.el.td(rx.skeleton(width="64px", height="14px"), class_name="balance"),
        class_name="skeleton",
    )


def _pages() -> rx.Component:
    return rx.el.nav(
        rx.el.span(PaymentsState.range_text, class_name="tabular"),
        rx.el.span(class_name="grow"),
        _page_button(t("Newer"), t("Previous"), PaymentsState.go_newer, PaymentsState.has_newer),
        _page_button(t("Older"), t("Next"), PaymentsState.go_older, PaymentsState.has_older),
        class_name="foot",
        aria_label=t("Pages"),
    )


def _page_button(
    by_date: str, otherwise: str, on_click: rx.EventHandler, can: rx.Var[bool]
) -> rx.Component:
    return rx.button(
        rx.cond(PaymentsState.order == Order.NEWEST.value, by_date, otherwise),
        on_click=on_click,
        disabled=~can,
        variant="surface",
        color_scheme="gray",
        size="1",
    )


def _notice(icon: str, title: rx.Var[str], *content: rx.Component) -> rx.Component:
    return rx.el.div(
        rx.el.span(rx.icon(icon, size=20), class_name="notice-icon", aria_hidden="true"),
        rx.el.h2(title),
        *content,
        class_name="notice",
    )


def _empty() -> rx.Component:
    return _notice(
        "wallet",
        t("No payments yet"),
        rx.el.p(t("Top up your account, and every payment is listed here.")),
        rx.el.ol(
            rx.el.li(t("Choose how to pay and how much.")),
            rx.el.li(t("Pay. Nothing is charged before you confirm.")),
            rx.el.li(t("Once the money has arrived it is on your balance, and its receipt here.")),
        ),
        rx.el.div(payment_buttons(), class_name="notice-actions"),
    )


def _no_match() -> rx.Component:
    return _notice(
        "search-x",
        t("No payment matches"),
        rx.el.p(PaymentsState.filters_text),
        rx.button(
            t("Show all payments"), on_click=PaymentsState.clear, variant="surface", size="2"
        ),
    )


def _error() -> rx.Component:
    return _notice(
        "triangle-alert",
        t("Your payments cannot be shown just now"),
        rx.el.p(t("Nothing is lost. Try again in a moment.")),
        rx.button(t("Try again"), on_click=PaymentsState.try_again, variant="surface", size="2"),
        rx.el.small(
            t(
                "If it stays so, quote {error_reference} to us.",
                error_reference=PaymentsState.error_reference,
            )
        ),
    )
