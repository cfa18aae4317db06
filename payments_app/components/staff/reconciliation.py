"""Reconciliation: comparisons with their differences, and the check of the balances."""

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from payments_app.components.pieces import method_icon
from payments_app.components.staff import operations
from payments_app.services.reconciliation_view import (
    DifferenceLine,
    ResultCard,
    TotalLine,
    WrongBalance,
)
from payments_app.state.staff.reconciliation import ReconciliationState

_LEAD = "What we hold against what each gateway says, by UTC day. Yesterday is compared by itself."


def reconciliation_list() -> rx.Component:
    """Show the comparisons."""
    return rx.fragment(
        operations.head("Reconciliation", _LEAD, _actions()),
        rx.cond(
            ReconciliationState.notice != "",
            rx.el.p(ReconciliationState.notice, class_name="ops-notice", role="status"),
        ),
        rx.cond(ReconciliationState.balances_checked, _balances()),
        rx.cond(
            ReconciliationState.phase == "loading",
            operations.skeleton(),
            rx.cond(
                ReconciliationState.results.length() > 0,
                rx.el.div(
                    rx.foreach(ReconciliationState.results, _result), class_name="ops-results"
                ),
                operations.nothing(
                    "scale",
                    "Nothing has been compared yet",
                    "A day is compared some hours after it is over, or when you say so.",
                ),
            ),
        ),
    )


def _actions() -> rx.Component:
    return rx.fragment(
        rx.button(
            "Check balances",
            on_click=ReconciliationState.check_balances,
            variant="surface",
            color_scheme="gray",
            size="2",
        ),
        rx.cond(
            ReconciliationState.can_act,
            rx.fragment(
                rx.el.label(
                    "Day (UTC)",
                    rx.el.input(
                        type="date",
                        default_value=ReconciliationState.last_day,
                        on_change=ReconciliationState.choose_day,
                        key=ReconciliationState.last_day,
                    ),
                    class_name="ops-day",
                ),
                rx.button(
                    "Compare",
                    on_click=ReconciliationState.compare,
                    loading=ReconciliationState.busy,
                    disabled=ReconciliationState.busy | has_connection_errors,
                    size="2",
                ),
            ),
        ),
    )


def _balances() -> rx.Component:
    return rx.el.div(
        rx.cond(
            ReconciliationState.wrong.length() == 0,
            rx.el.p(
                rx.icon("check", size=14, aria_hidden="true"),
                "Every balance equals the sum of its Completed rows.",
                class_name="ops-result good",
            ),
            rx.el.ul(rx.foreach(ReconciliationState.wrong, _wrong), class_name="ops-settings"),
        ),
        class_name="ops-balances",
        role="status",
    )


def _wrong(balance: WrongBalance) -> rx.Component:
    return rx.el.li(
        rx.el.strong(balance.account),
        f"balance {balance.kept}, its rows sum to {balance.found}",
        class_name="ops-missing",
    )


def _result(result: ResultCard) -> rx.Component:
    return rx.el.section(
        rx.el.div(
            method_icon(result.icon),
            rx.el.h2(result.gateway),
            rx.el.span(result.day, class_name="tabular quiet"),
            rx.el.span(result.state_label, class_name=f"pill {result.state}"),
            rx.el.span(class_name="grow"),
            rx.el.span(f"Compared: {result.compared}, {result.when}", class_name="label"),
            class_name="ops-card-head",
        ),
        rx.cond(result.note != "", rx.el.p(result.note, class_name="quiet")),
        rx.cond(
            result.totals.length() > 0,
            rx.el.ul(rx.foreach(result.totals, _total), class_name="ops-totals tabular"),
        ),
        rx.cond(result.differences.length() > 0, _differences(result)),
        class_name="ops-card",
        key=result.id.to_string(),
    )


def _total(total: TotalLine) -> rx.Component:
    return rx.el.li(
        rx.el.span("Here ", class_name="quiet"),
        total.ours,
        rx.el.span(" There ", class_name="quiet"),
        rx.el.span(total.theirs, class_name=rx.cond(total.agrees, "", "ops-missing")),
    )


def _differences(result: ResultCard) -> rx.Component:
    return rx.el.div(
        rx.el.table(
            rx.el.thead(
                rx.el.tr(
                    rx.el.th("Difference", scope="col"),
                    rx.el.th("Reference", scope="col"),
                    rx.el.th("Here", scope="col", class_name="end"),
                    rx.el.th("There", scope="col", class_name="end"),
                    rx.el.th("What was done", scope="col"),
                )
            ),
            rx.el.tbody(rx.foreach(result.differences, _difference)),
            class_name="ops-table",
            aria_label="Differences",
        ),
        class_name="ops-scroll",
    )


def _difference(line: DifferenceLine) -> rx.Component:
    return rx.el.tr(
        rx.el.td(rx.el.span(line.kind, class_name="pill warn")),
        rx.el.td(
            rx.cond(
                line.payment != "",
                rx.link(line.payment, href=f"/staff/payments?payment={line.payment}"),
                line.reference,
            ),
            rx.el.small(line.gateway_reference),
            class_name="tabular",
        ),
        rx.el.td(line.ours, class_name="end tabular", custom_attrs={"data-label": "Here"}),
        rx.el.td(line.theirs, class_name="end tabular", custom_attrs={"data-label": "There"}),
        rx.el.td(
            rx.cond(
                line.settled != "",
                line.settled,
                rx.cond(
                    ReconciliationState.can_act,
                    rx.button(
                        "Pull in",
                        on_click=ReconciliationState.pull_in(line.id),
                        disabled=ReconciliationState.busy | has_connection_errors,
                        variant="surface",
                        size="1",
                    ),
                    "Open",
                ),
            )
        ),
        key=line.id.to_string(),
    )
