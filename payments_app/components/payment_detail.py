"""The side sheet of one payment."""

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from payments_app.components.card_fields import Waiting
from payments_app.components.checkout_stand import ASKED, ASKED_SOON
from payments_app.components.look import CopyButton, PlainLink, RowKeys
from payments_app.components.pieces import fact, method_icon, sheet, status_pill, told
from payments_app.components.words import t
from payments_app.domain.payment import PaymentStatus
from payments_app.services.reports import Linked, Step
from payments_app.state.checkout import CheckoutState
from payments_app.state.detail import DetailState


def payment_detail() -> rx.Component:
    """Return the sheet, which the address opens and closes."""
    return rx.fragment(
        RowKeys.create(opened=rx.cond(DetailState.is_open, DetailState.reference, "")),
        sheet(
            t("Payment"),
            rx.cond(DetailState.found, _payment(), _not_found()),
            is_open=DetailState.is_open,
            on_open_change=DetailState.moved,
        ),
    )


def _payment() -> rx.Component:
    detail = DetailState.detail
    row = detail.row
    return rx.el.div(
        rx.el.div(
            rx.el.strong(row.total, class_name="figure tabular"),
            status_pill(row.status, row.status_label),
            class_name="sheet-sum",
        ),
        rx.el.p(row.description, class_name="sheet-what"),
        rx.cond(row.note != "", rx.el.p(row.note, " ", detail.next_step, class_name="quiet")),
        rx.cond(detail.can_check, _actions()),
        rx.cond(detail.can_check, _asked()),
        rx.cond(detail.can_retry, _try_again()),
        rx.cond(row.status == PaymentStatus.COMPLETED.value, _receipt(row.reference)),
        told(DetailState.notice),
        rx.el.dl(
            fact(
                t("Method"),
                rx.el.span(method_icon(row.icon), rx.el.span(row.method), class_name="method"),
            ),
            rx.cond(detail.charged != "", fact(t("You paid"), detail.charged)),
            fact(t("Created"), detail.created),
            rx.cond(detail.completed != "", fact(t("Completed"), detail.completed)),
            fact(t("Reference"), CopyButton.create(text=row.reference, label=t("Copy reference"))),
            rx.cond(
                detail.gateway_reference != "",
                fact(
                    t("Provider's reference"),
                    CopyButton.create(
                        text=detail.gateway_reference, label=t("Copy provider's reference")
                    ),
                ),
            ),
            rx.foreach(detail.linked, _linked),
            class_name="facts tabular",
        ),
        rx.cond(
            detail.steps.length() > 0,
            rx.fragment(
                rx.el.h2(t("What happened")),
                rx.el.ol(rx.foreach(detail.steps, _step), class_name="steps"),
            ),
        ),
        class_name="sheet-body",
    )


def _actions() -> rx.Component:
    return rx.cond(
        DetailState.asks_to_cancel,
        rx.el.div(
            rx.el.p(t("Cancel this payment? Nothing will be charged.")),
            rx.hstack(
                rx.button(
                    t("Keep it"),
                    on_click=DetailState.ask_to_cancel(False),
                    variant="soft",
                    color_scheme="gray",
                    size="2",
                ),
                rx.button(
                    t("Cancel payment"),
                    on_click=DetailState.cancel,
                    disabled=has_connection_errors,
                    color_scheme="red",
                    size="2",
                ),
                spacing="2",
            ),
            class_name="question",
            role="alert",
        ),
        rx.hstack(
            rx.button(
                t("Check now"),
                on_click=DetailState.check,
                loading=DetailState.busy,
                disabled=DetailState.busy | has_connection_errors,
                variant="surface",
                size="2",
            ),
            rx.button(
                t("Cancel payment"),
                on_click=DetailState.ask_to_cancel(True),
                disabled=DetailState.busy | has_connection_errors,
                variant="soft",
                color_scheme="gray",
                size="2",
            ),
            rx.link(t("How to pay"), href=f"/pay/{DetailState.detail.row.reference}", size="2"),
            align="center",
            spacing="2",
            class_name="sheet-actions",
        ),
    )


def _asked() -> rx.Component:
    return rx.el.p(
        Waiting.create(
            age=DetailState.asked,
            ahead=DetailState.next_check,
            stamp=DetailState.stamp,
            every=0,
            text=ASKED,
            soon=ASKED_SOON,
        ),
        class_name="quiet tabular",
        aria_hidden="true",
    )


def _try_again() -> rx.Component:
    return rx.box(
        rx.button(
            t("Try again"),
            on_click=CheckoutState.try_again(DetailState.reference),
            disabled=has_connection_errors,
            variant="surface",
            size="2",
        )
    )


def _receipt(reference: rx.Var[str]) -> rx.Component:
    return rx.box(
        rx.button(
            PlainLink.create(
                rx.icon("receipt-text", size=16, aria_hidden="true"),
                t("Receipt as PDF"),
                href=f"/receipts/{reference}.pdf",
                download=True,
            ),
            as_child=True,
            variant="surface",
            color_scheme="gray",
            size="2",
        )
    )


def _linked(other: Linked) -> rx.Component:
    return fact(t("See also"), rx.link(other.text, href=f"/?payment={other.reference}"))


def _step(step: Step) -> rx.Component:
    return rx.el.li(rx.el.span(step.text), rx.el.time(step.at, class_name="tabular"))


def _not_found() -> rx.Component:
    return rx.el.div(
        rx.el.p(t("There is no such payment on your account.")), class_name="sheet-body quiet"
    )
