"""The Make Payment button and dialogs."""

from typing import Literal

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from payments_app.components import checkout_fields as fields
from payments_app.components.card_fields import Leave
from payments_app.components.checkout_stand import pending_buttons, stand_panel, watch
from payments_app.components.words import t
from payments_app.state.checkout import CheckoutState
from payments_app.state.checkout_form import PAYMENT
from payments_app.state.checkout_views import OfferView, Stand


def _own_button(offer: OfferView) -> rx.Component:
    return rx.button(
        t("Pay With {label}", label=offer.label),
        on_click=CheckoutState.open_dialog(offer.code),
        variant="surface",
        color_scheme="gray",
        size="2",
    )


def payment_buttons() -> rx.Component:
    """Return the buttons that open the dialogs: Make Payment, and each offer with its own."""
    return rx.cond(
        CheckoutState.viewing,
        rx.fragment(),
        rx.fragment(
            rx.foreach(CheckoutState.own_dialogs, _own_button),
            rx.button(t("Make Payment"), on_click=CheckoutState.open_dialog(PAYMENT), size="2"),
        ),
    )


def payment_dialogs() -> rx.Component:
    """Return the dialog that the buttons open."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(CheckoutState.title, class_name="dialog-title"),
            rx.box(
                _form(),
                display=rx.cond(
                    (CheckoutState.step == "form") | (CheckoutState.step == "paying"),
                    "block",
                    "none",
                ),
            ),
            rx.match(
                CheckoutState.step,
                ("paying", rx.box(watch(), display="none")),
                ("question", _question()),
                ("leaving", _leaving()),
                ("stand", _stand()),
                rx.fragment(),
            ),
            max_width="460px",
        ),
        open=CheckoutState.dialog != "",
        on_open_change=CheckoutState.dialog_moved,
    )


def _form() -> rx.Component:
    return rx.el.form(
        rx.vstack(
            rx.cond(CheckoutState.notice != "", _notice()),
            rx.cond(CheckoutState.dialog == PAYMENT, fields.gateways()),
            rx.cond(CheckoutState.groups.length() > 0, fields.channels()),
            rx.cond(CheckoutState.collects_card, fields.card()),
            fields.amount_and_currency(),
            rx.text(
                CheckoutState.preview,
                size="2",
                color="var(--gray-11)",
                min_height="20px",
                class_name="tabular",
                role="status",
            ),
            _form_buttons(),
            spacing="4",
            align="stretch",
        ),
        on_submit=lambda _: CheckoutState.pay(CheckoutState.attempt),
        no_validate=True,
    )


def _notice() -> rx.Component:
    # A name that is a Var would bring every icon there is into the page.
    def box(icon: str, color: Literal["red", "gray"]) -> rx.Component:
        return rx.callout(
            CheckoutState.notice, icon=icon, color_scheme=color, size="1", role="alert"
        )

    return rx.cond(CheckoutState.failed, box("circle-x", "red"), box("info", "gray"))


def _form_buttons() -> rx.Component:
    own = CheckoutState.dialog != PAYMENT
    words = rx.cond(
        CheckoutState.total != "", t("Pay {total}", total=CheckoutState.total), t("Pay")
    )
    return rx.hstack(
        rx.button(
            t("Cancel"),
            on_click=CheckoutState.close_dialog,
            variant="soft",
            color_scheme="gray",
            type="button",
            disabled=fields.locked(),
        ),
        rx.button(
            rx.cond(CheckoutState.failed, t("Try again"), rx.cond(own, t("Confirm"), words)),
            type="submit",
            loading=fields.locked(),
            disabled=fields.locked() | has_connection_errors,
        ),
        justify="end",
        spacing="3",
    )


def _other(other: Stand) -> rx.Component:
    return rx.vstack(
        rx.text(
            t(
                "You have an open {gateway} payment of {amount} from {age}.",
                gateway=other.gateway,
                amount=other.amount,
                age=other.age,
            ),
            size="2",
        ),
        rx.hstack(
            rx.button(
                # A gateway's page on our own host (the sandbox) is none of the router's pages.
                rx.el.a(
                    t("Continue it"),
                    href=rx.cond(other.link != "", other.link, f"/pay/{other.reference}"),
                ),
                as_child=True,
                variant="surface",
            ),
            rx.button(
                t("Cancel it"),
                on_click=CheckoutState.cancel_other(other.reference),
                variant="soft",
                color_scheme="gray",
                type="button",
            ),
            spacing="2",
        ),
        padding="12px",
        background="var(--gray-a2)",
        border="1px solid var(--gray-a5)",
        border_radius="var(--radius-3)",
        align="stretch",
        spacing="3",
    )


def _question() -> rx.Component:
    return rx.vstack(
        rx.foreach(CheckoutState.others, _other),
        rx.text(t("Continue it, cancel it, or pay again?"), size="2", weight="medium"),
        rx.hstack(
            rx.button(
                t("Back"),
                on_click=CheckoutState.back_to_form,
                variant="soft",
                color_scheme="gray",
                type="button",
            ),
            rx.button(
                t("Pay again"),
                on_click=CheckoutState.pay_anyway(CheckoutState.attempt),
                disabled=has_connection_errors,
                type="button",
            ),
            justify="end",
            spacing="3",
        ),
        align="stretch",
        spacing="4",
    )


def _leaving() -> rx.Component:
    return rx.vstack(
        Leave.create(url=CheckoutState.leave_url),
        stand_panel(),
        _stand_buttons(),
        spacing="4",
        align="stretch",
    )


def _stand() -> rx.Component:
    return rx.vstack(
        rx.cond(CheckoutState.notice != "", _notice()),
        stand_panel(),
        _stand_buttons(),
        spacing="4",
        align="stretch",
    )


def _stand_buttons() -> rx.Component:
    completed = CheckoutState.stand.status == "completed"
    return rx.hstack(
        rx.cond(completed, rx.fragment(), pending_buttons()),
        rx.button(
            rx.cond(completed, t("Done"), t("Close")),
            on_click=CheckoutState.close_dialog,
            type="button",
        ),
        justify="end",
        wrap="wrap",
        spacing="3",
        class_name="dialog-buttons",
    )
