"""The dialog in which a customer chooses the e-mails to get, and its entry in the menu."""

import reflex as rx

from payments_app.components.pieces import saved
from payments_app.components.words import t
from payments_app.domain.mail import CHOSEN_KINDS, MailKind
from payments_app.services.wording import MAIL_NAMES
from payments_app.state.notifications import NotificationState


def notifications_entry() -> rx.Component:
    """Return the menu's entry that opens the dialog."""
    return rx.popover.close(
        rx.button(
            rx.icon("bell", size=14, aria_hidden="true"),
            t("Notifications"),
            on_click=NotificationState.moved(True),
            variant="ghost",
            color_scheme="gray",
            size="2",
            class_name="menu-entry",
        )
    )


def notifications_dialog() -> rx.Component:
    """Return the dialog."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(t("Notifications"), class_name="dialog-title"),
            rx.dialog.description(
                t("E-mails that you get about your account."), class_name="dialog-note"
            ),
            *(_choice(kind, t(MAIL_NAMES[kind])) for kind in CHOSEN_KINDS),
            _limit(),
            rx.el.p(
                t("A sign-in from a new device and a new password are always told."),
                class_name="quiet small-note",
            ),
            rx.hstack(
                saved(rx.cond(NotificationState.saved, t("Saved"), "")),
                rx.spacer(),
                rx.button(
                    t("Close"),
                    on_click=NotificationState.moved(False),
                    variant="soft",
                    color_scheme="gray",
                    type="button",
                ),
                rx.button(t("Save"), on_click=NotificationState.save),
                align="center",
                spacing="3",
                margin_top="20px",
            ),
            max_width="420px",
            aria_describedby=None,
        ),
        open=NotificationState.is_open,
        on_open_change=NotificationState.moved,
    )


def _choice(kind: MailKind, label: rx.Var[str]) -> rx.Component:
    return rx.el.label(
        rx.el.span(label),
        rx.switch(
            checked=NotificationState.kinds.contains(kind.value),
            on_change=lambda on: NotificationState.choose(kind.value, on),
            size="2",
        ),
        class_name="setting",
    )


def _limit() -> rx.Component:
    return rx.el.div(
        rx.el.label(
            rx.el.span(t("Balance below")),
            rx.input(
                rx.input.slot(NotificationState.home_currency, side="right"),
                default_value=NotificationState.limit,
                on_change=NotificationState.type_limit.debounce(150),
                placeholder=t("Never"),
                input_mode="decimal",
                max_length=40,
                width="160px",
                key=NotificationState.turn,
                aria_invalid=NotificationState.fault != "",
                aria_describedby="low-balance-fault",
            ),
            class_name="setting",
        ),
        rx.el.p(NotificationState.fault, id="low-balance-fault", class_name="fault", role="alert"),
    )
