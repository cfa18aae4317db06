"""The staff's review queue, and what waits for a second person."""

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from payments_app.components.pieces import status_pill, told
from payments_app.components.staff.add_payment import add_payment_button
from payments_app.components.staff.parts import section_head, why_form
from payments_app.components.staff.table import cell, column, dense_table, empty, skeleton_rows
from payments_app.components.staff.unmatched import unmatched_list
from payments_app.components.words import t
from payments_app.services.approvals import Waiting
from payments_app.services.review_queue import MOST_SHOWN, QueueRow, Whose
from payments_app.state.staff.detail import StaffDetailState
from payments_app.state.staff.review import ReviewState

_LEAD = t(
    "What no machine can decide: sums that do not match, transfers to confirm, refunds to send."
)
_COLUMNS = (
    (t("What to look at"), ""),
    (t("Account"), ""),
    (t("Method"), ""),
    (t("Asked"), "end"),
    (t("Said"), "end"),
    (t("Since"), ""),
    (t("Status"), ""),
    (t("Taken by"), ""),
)


def review_list() -> rx.Component:
    """Show the queue."""
    return rx.fragment(
        section_head(t("Review"), add_payment_button(), lead=_LEAD),
        told(ReviewState.notice, margin_bottom="16px"),
        _approvals(),
        unmatched_list(),
        rx.segmented_control.root(
            rx.segmented_control.item(t("All"), value=Whose.ALL.value),
            rx.segmented_control.item(t("Mine"), value=Whose.MINE.value),
            rx.segmented_control.item(t("Nobody's"), value=Whose.NOBODYS.value),
            value=ReviewState.whose,
            on_change=ReviewState.choose,
            size="1",
            margin_bottom="12px",
        ),
        rx.cond(
            ReviewState.phase == "loading",
            dense_table(t("Review"), _head(), *skeleton_rows(len(_COLUMNS)), busy=True),
            rx.cond(
                ReviewState.rows.length() > 0,
                dense_table(t("Review"), _head(), rx.foreach(ReviewState.rows, _row)),
                empty(
                    "circle-check",
                    t("Nothing to look at"),
                    t("What needs a decision appears here."),
                ),
            ),
        ),
        rx.cond(
            ReviewState.more,
            rx.el.p(
                t("Only the oldest {most_shown} are shown.", most_shown=MOST_SHOWN),
                class_name="quiet",
            ),
        ),
    )


def _head() -> list[rx.Component]:
    return [column(label, look) for label, look in _COLUMNS]


def _row(row: QueueRow) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.el.button(
                row.why,
                on_click=StaffDetailState.open(row.reference),
                type="button",
                class_name="row-link row-button",
            )
        ),
        cell(t("Account"), row.account),
        cell(t("Method"), rx.el.bdi(row.method), class_name="soft"),
        cell(t("Asked"), row.asked, class_name="end tabular"),
        cell(t("Said"), row.said, class_name="end tabular"),
        cell(t("Since"), row.since, class_name="soft tabular"),
        cell(t("Status"), status_pill(row.status, row.status_label)),
        cell(t("Taken by"), row.assigned_to, class_name="soft"),
        key=row.reference,
    )


def _approvals() -> rx.Component:
    return rx.cond(
        ReviewState.requests.length() > 0,
        rx.el.section(
            rx.el.h2(t("Waiting for a second person"), id="second-person"),
            rx.foreach(ReviewState.requests, _request),
            class_name="requests",
            aria_labelledby="second-person",
        ),
    )


def _request(request: Waiting) -> rx.Component:
    what = rx.cond(request.action == "refund", t("Refund"), t("Payment by hand"))
    return rx.el.div(
        rx.el.p(
            rx.el.strong(request.amount, class_name="tabular"),
            " \N{MIDDLE DOT} ",
            what,
            " \N{MIDDLE DOT} ",
            request.reason,
        ),
        rx.el.p(request.asked_by, " \N{MIDDLE DOT} ", request.asked_at, class_name="quiet tabular"),
        rx.cond(ReviewState.may_act & ~request.own, _decision(request)),
        rx.cond(request.own, rx.el.p(t("Someone else has to decide this."), class_name="quiet")),
        class_name="question",
    )


def _decision(request: Waiting) -> rx.Component:
    return rx.cond(
        ReviewState.declining == request.id,
        why_form(
            rx.button(
                t("Decline"), type="submit", color_scheme="red", disabled=has_connection_errors
            ),
            fault=ReviewState.decline_fault,
            on_leave=ReviewState.ask_to_decline(0),
            on_submit=ReviewState.decline,
        ),
        rx.hstack(
            rx.button(
                t("Approve"),
                on_click=ReviewState.agree(request.id),
                disabled=has_connection_errors,
                variant="surface",
                size="2",
            ),
            rx.button(
                t("Decline\N{HORIZONTAL ELLIPSIS}"),
                on_click=ReviewState.ask_to_decline(request.id),
                variant="soft",
                color_scheme="gray",
                size="2",
            ),
            spacing="2",
        ),
    )
