"""Reconciliation: comparisons with their differences, and the check of the balances."""

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from payments_app.components.pieces import method_icon, told
from payments_app.components.staff import operations
from payments_app.components.words import t
from payments_app.services.reconciliation_view import (
    DifferenceLine,
    ResultCard,
    TotalLine,
    WrongBalance,
)
from payments_app.state.staff.reconciliation import ReconciliationState

_LEAD = t(
    "What we hold against what each gateway says, by UTC day. Yesterday is compared by itself."
)


def reconciliation_list() -> rx.Component:
    """Show the comparisons."""
    return rx.fragment(
        operations.head(t("Reconciliation"), _LEAD, _actions()),
        told(ReconciliationState.notice, margin_top="16px"),
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
                    t("Nothing has been compared yet"),
                    t("A day is compared some hours after it is over, or when you say so."),
                ),
            ),
        ),
    )


def _actions() -> rx.Component:
    return rx.fragment(
        rx.button(
            t("Check balances"),
            on_click=ReconciliationState.check_balances,
            variant="surface",
            color_scheme="gray",
            size="2",
        ),
        rx.cond(
            ReconciliationState.can_act,
            rx.fragment(
                rx.el.label(
                    t("Day (UTC)"),
                    rx.el.input(
                        type="date",
                        default_value=ReconciliationState.last_day,
                        on_change=ReconciliationState.choose_day,
                        key=ReconciliationState.last_day,
                    ),
                    class_name="ops-day",
                ),
                rx.button(
                    t("Compare"),
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
                t("Every balance equals the sum of its Completed rows."),
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
        t("balance {kept}, its rows sum to {found}", kept=balance.kept, found=balance.found),
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
            rx.el.span(
                t("Compared: {compared}, {when}", compared=result.compared, when=result.when),
                class_name="label",
            ),
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
        rx.el.span(t("Here"), " ", class_name="quiet"),
        total.ours,
        rx.el.span(" ", t("There"), " ", class_name="quiet"),
        rx.el.span(total.theirs, class_name=rx.cond(total.agrees, "", "ops-missing")),
    )


def _differences(result: ResultCard) -> rx.Component:
    return rx.el.div(
        rx.el.table(
            rx.el.thead(
                rx.el.tr(
                    rx.el.th(t("Difference"), scope="col"),
                    rx.el.th(t("Reference"), scope="col"),
                    rx.el.th(t("Here"), scope="col", class_name="end"),
                    rx.el.th(t("There"), scope="col", class_name="end"),
                    rx.el.th(t("What was done"), scope="col"),
                )
            ),
            rx.el.tbody(rx.foreach(result.differences, _difference)),
            class_name="ops-table",
            aria_label=t("Differences"),
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
        rx.el.td(line.ours, class_name="end tabular", custom_attrs={"data-label": t("Here")}),
        rx.el.td(line.theirs, class_name="end tabular", custom_attrs={"data-label": t("There")}),
        rx.el.td(
            rx.cond(
                line.settled != "",
                line.settled,
                rx.cond(
                    ReconciliationState.can_act,
                    rx.button(
                        t("Pull in"),
                        on_click=ReconciliationState.pull_in(line.id),
                        disabled=ReconciliationState.busy | has_connection_errors,
                        variant="surface",
                        size="1",
                    ),
                    t("Open"),
                ),
            )
        ),
        key=line.id.to_string(),
    )
