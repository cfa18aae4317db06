"""What owners do with an account's personal data: hand it out, or erase it."""

import reflex as rx

from payments_app.components.forms import field, panel
from payments_app.components.words import t
from payments_app.domain.payment import Role
from payments_app.services.directory import Profile
from payments_app.state.session import SessionState
from payments_app.state.staff.erasure import ErasureState


def personal_data(profile: Profile) -> rx.Component:
    """Show owners the export and, until it was done, the erasure."""
    return rx.cond(
        SessionState.role == Role.OWNER.value,
        panel(
            t("Personal data"),
            rx.cond(
                profile.erased,
                rx.el.p(
                    t(
                        "It was erased. Payments, balances and the audit log's chain are as "
                        "they were."
                    ),
                    class_name="quiet",
                ),
                rx.el.p(
                    t(
                        "When one of the account's people asks for what is kept about them, "
                        "download"
                        " it; when they ask you to forget them, erase it."
                    ),
                    class_name="quiet",
                ),
            ),
            rx.flex(
                _download(profile),
                rx.cond(profile.erased, rx.fragment(), _erasing()),
                gap="12px",
                margin_top="12px",
            ),
        ),
    )


def _download(profile: Profile) -> rx.Component:
    return rx.button(
        rx.el.a(
            rx.icon("download", size=14, aria_hidden="true"),
            t("Download as JSON"),
            href=f"/staff/exports/personal-data/{profile.id}",
            download=True,
        ),
        as_child=True,
        variant="surface",
        size="2",
    )


def _erasing() -> rx.Component:
    return rx.dialog.root(
        rx.dialog.trigger(
            rx.button(t("Erase"), variant="surface", color_scheme="red", size="2", type="button")
        ),
        rx.dialog.content(
            rx.dialog.title(
                t("Erase all personal data of this account?"), class_name="dialog-title"
            ),
            rx.dialog.description(
                t(
                    "Names, e-mail addresses, sessions, notes, texts and e-mails are removed "
                    "for good,"
                    " and its users cannot log in any more. Payments, balances and references stay."
                ),
                class_name="dialog-note",
            ),
            rx.el.form(
                rx.el.p(t("Account"), ": ", rx.el.strong(ErasureState.profile.name)),
                field(
                    t("Type the account's name"),
                    "account_name",
                    ErasureState.erasure_fault,
                    auto_complete="off",
                ),
                rx.flex(
                    rx.dialog.close(
                        rx.button(t("Leave it"), variant="soft", color_scheme="gray", type="button")
                    ),
                    rx.button(t("Erase for good"), type="submit", color_scheme="red"),
                    spacing="3",
                    justify="end",
                ),
                on_submit=ErasureState.erase,
                class_name="stacked",
            ),
            max_width="460px",
        ),
        open=ErasureState.asks_to_erase,
        on_open_change=ErasureState.ask_to_erase,
    )
