"""The staff's side sheet of one payment, and the dialogs of what may be done with it."""

from typing import Final

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from payments_app.components.look import CopyButton
from payments_app.components.pieces import fact, method_icon, sheet, status_pill, told
from payments_app.components.words import t
from payments_app.services.reports import Linked
from payments_app.services.staff_detail import EventLine, StaffStep
from payments_app.state.staff.detail import (
    APPROVE,
    CANCEL,
    CLOSE,
    CREDIT,
    REFUND,
    WITH_AMOUNT,
    StaffDetailState,
)

_TITLES: Final = {
    APPROVE: t("Approve this payment"),
    CANCEL: t("Cancel this payment"),
    CREDIT: t("Credit what arrived"),
    CLOSE: t("Take out of review"),
    REFUND: t("Refund"),
}
_EXPLAINED: Final = {
    APPROVE: t(
        "It becomes Completed and moves the balance by its total. Approve only what you have "
        "seen: the transfer on the bank's statement, or the refund that you sent."
    ),
    CANCEL: t(
        "It is voided at the provider first where it is still open there. The balance stays."
    ),
    CREDIT: t("The account gets what arrived instead of what was asked for."),
    CLOSE: t("Nothing is credited and the payment stays as it is."),
    REFUND: t(
        "The money goes back the way it came. Where the provider cannot, the refund waits in "
        "review until someone has sent it by hand."
    ),
}
_BUTTONS: Final = {
    APPROVE: t("Approve"),
    CANCEL: t("Cancel payment"),
    CREDIT: t("Credit"),
    CLOSE: t("Take out of review"),
    REFUND: t("Refund"),
}


def staff_payment_detail() -> rx.Component:
    """Return the sheet; ``StaffDetailState.open(reference)`` opens it on any page of the staff."""
    return rx.fragment(
        sheet(
            t("Payment"),
            rx.cond(StaffDetailState.found, _payment(), _not_found()),
            is_open=StaffDetailState.is_open,
            on_open_change=StaffDetailState.moved,
        ),
        _dialog(),
    )


def _payment() -> rx.Component:
    detail = StaffDetailState.detail
    row = detail.row
    return rx.el.div(
        rx.el.div(
            rx.el.strong(row.total, class_name="figure tabular"),
            status_pill(row.status, row.status_label),
            rx.cond(detail.in_review, rx.el.span(t("In review"), class_name="pill pending")),
            class_name="sheet-sum",
        ),
        rx.el.p(row.description, class_name="sheet-what"),
        rx.cond(detail.reason != "", rx.el.p(detail.reason, class_name="quiet")),
        _actions(),
        told(StaffDetailState.notice),
        _facts(),
        rx.el.h2(t("What happened")),
        rx.el.ol(rx.foreach(detail.steps, _step), class_name="steps"),
        rx.cond(
            detail.events.length() > 0,
            rx.fragment(
                rx.el.h2(t("Messages of the provider")),
                rx.el.ul(rx.foreach(detail.events, _event), class_name="steps"),
            ),
        ),
        rx.el.p(
            rx.link(t("Webhooks"), href=f"/staff/events?search={row.reference}"),
            rx.link(t("Audit"), href=f"/staff/audit?subject=payment:{row.reference}"),
            class_name="sheet-links",
        ),
        class_name="sheet-body",
    )


def _facts() -> rx.Component:
    detail = StaffDetailState.detail
    row = detail.row

    def known(label: rx.Var[str], value: rx.Var[str]) -> rx.Component:
        return rx.cond(value != "", fact(label, value))

    return rx.el.dl(
        fact(
            t("Account"),
            rx.link(detail.account_name, href=f"/staff/accounts/{detail.account_id}"),
        ),
        known(t("User"), detail.user),
        fact(
            t("Method"),
            rx.el.span(method_icon(row.icon), rx.el.span(row.method), class_name="method"),
        ),
        known(t("Charged"), detail.charged),
        known(t("Arrived"), detail.arrived_text),
        known(t("Fee"), detail.fee),
        known(t("Can be refunded"), detail.left_text),
        known(t("Private note"), detail.private_note),
        known(t("Assigned to"), detail.assigned_to),
        fact(t("Created"), detail.created),
        known(t("Completed"), detail.completed),
        known(t("Pay until"), detail.expires),
        known(t("Last asked"), detail.checked),
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
    )


def _actions() -> rx.Component:
    deeds = StaffDetailState.detail.deeds
    none = ~(
        deeds.ask
        | deeds.approve
        | deeds.cancel
        | deeds.credit
        | deeds.close
        | deeds.refund
        | deeds.assign
    )
    return rx.cond(
        none,
        rx.fragment(),
        rx.el.div(
            rx.cond(deeds.approve, _button(APPROVE)),
            rx.cond(deeds.credit, _button(CREDIT)),
            rx.cond(deeds.refund, _button(REFUND)),
            rx.cond(
                deeds.ask,
                rx.button(
                    t("Ask the provider"),
                    on_click=StaffDetailState.ask,
                    loading=StaffDetailState.busy & (StaffDetailState.deed == ""),
                    disabled=StaffDetailState.busy | has_connection_errors,
                    variant="surface",
                    size="2",
                ),
            ),
            rx.cond(deeds.close, _button(CLOSE)),
            rx.cond(deeds.assign, _assign()),
            rx.cond(deeds.cancel, _button(CANCEL)),
            class_name="deeds",
        ),
    )


def _button(deed: str) -> rx.Component:
    return rx.button(
        f"{_BUTTONS[deed]}\N{HORIZONTAL ELLIPSIS}",
        on_click=StaffDetailState.choose(deed),
        disabled=StaffDetailState.busy | has_connection_errors,
        variant="soft" if deed == CANCEL else "surface",
        color_scheme="gray" if deed == CANCEL else "indigo",
        size="2",
    )


def _assign() -> rx.Component:
    mine = StaffDetailState.detail.assigned_to == StaffDetailState.user_name
    return rx.button(
        rx.cond(mine, t("Give back"), t("Assign to me")),
        on_click=StaffDetailState.assign(~mine),
        disabled=StaffDetailState.busy | has_connection_errors,
        variant="surface",
        color_scheme="gray",
        size="2",
    )


def _dialog() -> rx.Component:
    """Return the dialog of the chosen action: what it is about, an amount, and why."""
    deed = StaffDetailState.deed
    detail = StaffDetailState.detail
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(rx.match(deed, *_TITLES.items(), ""), class_name="dialog-title"),
            rx.dialog.description(
                rx.match(deed, *_EXPLAINED.items(), ""), class_name="dialog-note"
            ),
            rx.form(
                rx.el.p(
                    rx.el.strong(detail.row.total, class_name="tabular"),
                    " \N{MIDDLE DOT} ",
                    detail.row.description,
                    " \N{MIDDLE DOT} ",
                    detail.account_name,
                ),
                rx.match(deed, *((name, _amount_field()) for name in WITH_AMOUNT), rx.fragment()),
                _field(
                    t("Why"),
                    rx.text_area(
                        name="reason", max_length=300, rows="3", id="deed-reason", required=True
                    ),
                    StaffDetailState.reason_fault,
                    "deed-reason",
                ),
                rx.hstack(
                    rx.dialog.close(
                        rx.button(t("Leave it"), type="button", variant="soft", color_scheme="gray")
                    ),
                    rx.button(
                        rx.match(deed, *_BUTTONS.items(), ""),
                        type="submit",
                        loading=StaffDetailState.busy,
                        disabled=StaffDetailState.busy | has_connection_errors,
                        color_scheme=rx.cond((deed == CANCEL) | (deed == REFUND), "red", "indigo"),
                    ),
                    justify="end",
                    spacing="2",
                ),
                on_submit=StaffDetailState.confirm,
                reset_on_submit=False,
                key=deed,
                class_name="deed-form",
            ),
            max_width="440px",
        ),
        open=deed != "",
        on_open_change=StaffDetailState.dismiss,
    )


def _amount_field() -> rx.Component:
    return _field(
        t("Amount"),
        rx.input(
            rx.input.slot(StaffDetailState.detail.charge_currency, side="right"),
            name="amount",
            default_value=StaffDetailState.amount_text,
            input_mode="decimal",
            id="deed-amount",
            auto_complete=False,
        ),
        StaffDetailState.amount_fault,
        "deed-amount",
    )


def _field(
    label: rx.Var[str], control: rx.Component, fault: rx.Var[str], target: str
) -> rx.Component:
    return rx.el.div(
        rx.el.label(label, html_for=target, class_name="label"),
        control,
        rx.cond(fault != "", rx.el.p(fault, class_name="fault", role="alert")),
        class_name="deed-field",
    )


def _linked(other: Linked) -> rx.Component:
    return fact(
        t("See also"),
        rx.el.button(
            other.text,
            on_click=StaffDetailState.open(other.reference),
            type="button",
            class_name="link-button",
        ),
    )


def _step(step: StaffStep) -> rx.Component:
    return rx.el.li(
        rx.el.span(step.text),
        rx.cond(step.note != "", rx.el.span(step.note, class_name="quiet")),
        rx.el.time(step.at, " \N{MIDDLE DOT} ", step.actor, class_name="tabular"),
    )


def _event(event: EventLine) -> rx.Component:
    return rx.el.li(
        rx.el.span(event.kind),
        rx.el.time(
            event.at,
            " \N{MIDDLE DOT} ",
            event.outcome,
            rx.cond(
                event.times > 1,
                rx.fragment(" \N{MIDDLE DOT} ", t("came {times} times", times=event.times)),
            ),
            class_name="tabular",
        ),
    )


def _not_found() -> rx.Component:
    return rx.el.div(rx.el.p(t("There is no such payment.")), class_name="sheet-body quiet")
