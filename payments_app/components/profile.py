"""The user's own page: sessions, password, second factor."""

import reflex as rx

from payments_app.components.forms import ZoneSelect, field, language_choice, panel
from payments_app.components.look import CopyButton, PlainLink
from payments_app.components.pieces import saved
from payments_app.components.staff.table import cell, column, dense_table
from payments_app.components.words import t, tn
from payments_app.services.sessions import OwnSession
from payments_app.state.profile import ProfileState
from payments_app.state.session import SessionState

_HEAD = (t("Device"), t("Address"), t("Last seen"), t("Since"), "")


def profile() -> rx.Component:
    """Show who is logged in and how the login is protected."""
    return rx.fragment(
        rx.el.h1(t("Profile and security")),
        rx.cond(
            SessionState.lacks_second_factor,
            rx.callout(
                t("Staff need two-factor here. Set it up below to go on."),
                icon="shield",
                color_scheme="amber",
                margin_bottom="16px",
                role="status",
            ),
        ),
        panel(
            t("Where you are logged in"),
            dense_table(
                t("Your sessions"),
                [column(head) for head in _HEAD],
                rx.foreach(ProfileState.sessions, _session),
            ),
            actions=rx.cond(
                ProfileState.sessions.length() > 1,
                rx.button(
                    t("Sign out everywhere else"),
                    on_click=ProfileState.sign_out_elsewhere,
                    variant="surface",
                    color_scheme="gray",
                    size="2",
                ),
                rx.fragment(),
            ),
        ),
        rx.el.div(
            panel(t("Password"), _password()),
            panel(t("Two-factor"), _second_factor()),
            class_name="halves",
        ),
        rx.el.div(
            panel(t("Language"), language_choice()),
            panel(
                t("Time zone"),
                ZoneSelect.create(
                    zone=SessionState.time_zone,
                    label=t("Time zone"),
                    save=t("Save"),
                    token=SessionState.form_token,
                ),
            ),
            class_name="halves",
        ),
    )


def _session(one: OwnSession) -> rx.Component:
    return rx.el.tr(
        cell(t("Device"), one.device),
        cell(t("Address"), one.address, class_name="soft tabular"),
        cell(t("Last seen"), one.last_seen, class_name="soft tabular"),
        cell(t("Since"), one.started, class_name="soft tabular"),
        rx.el.td(
            rx.cond(
                one.is_this,
                rx.el.span(t("This one"), class_name="pill completed"),
                rx.button(
                    t("Sign out"),
                    on_click=ProfileState.sign_out(one.id),
                    variant="surface",
                    color_scheme="gray",
                    size="1",
                ),
            ),
            class_name="end",
        ),
        key=one.id,
    )


def _present_password(name: str) -> rx.Component:
    return field(
        t("Present password"),
        name,
        ProfileState.errors[name],
        type="password",
        auto_complete="current-password",
    )


def _password() -> rx.Component:
    errors = ProfileState.errors
    return rx.el.form(
        _present_password("present"),
        field(
            t("New password"),
            "password",
            errors["password"],
            t("At least 10 characters; several unrelated words are best."),
            type="password",
            auto_complete="new-password",
        ),
        field(
            t("New password again"),
            "again",
            errors["again"],
            type="password",
            auto_complete="new-password",
        ),
        rx.flex(
            rx.button(t("Change password"), type="submit", variant="surface", size="2"),
            saved(ProfileState.notice),
            align="center",
            spacing="3",
        ),
        on_submit=ProfileState.change_password,
        class_name="stacked",
        key=f"password-{ProfileState.form}",
    )


def _second_factor() -> rx.Component:
    return rx.cond(
        ProfileState.codes.length() > 0,
        _recovery_codes(),
        rx.cond(
            ProfileState.factor_on,
            _on(),
            rx.cond(ProfileState.secret != "", _enrolment(), _off()),
        ),
    )


def _off() -> rx.Component:
    return rx.el.div(
        rx.el.p(t("Off. With it, a stolen password alone lets nobody in."), class_name="quiet"),
        rx.flex(rx.button(t("Set up two-factor"), on_click=ProfileState.set_factor_up, size="2")),
        class_name="stacked",
    )


def _enrolment() -> rx.Component:
    return rx.el.form(
        rx.el.p(t("Scan this with an authenticator app, or type the key into it.")),
        rx.image(
            src=ProfileState.picture,
            alt=t("QR code of the key"),
            class_name="qr-code",
        ),
        rx.el.div(
            CopyButton.create(text=ProfileState.secret, label=t("Copy the key")),
            class_name="key-text",
        ),
        rx.button(
            PlainLink.create(t("Open it in an app on this device"), href=ProfileState.app_address),
            as_child=True,
            variant="surface",
            color_scheme="gray",
            size="2",
            class_name="on-phone",
        ),
        _present_password("confirm"),
        field(
            t("Code that the app shows"),
            "code",
            ProfileState.errors["code"],
            auto_complete="one-time-code",
            input_mode="numeric",
        ),
        rx.flex(
            rx.button(t("Turn on"), type="submit", size="2"),
            rx.button(
                t("Cancel"),
                on_click=ProfileState.leave_factor,
                type="button",
                variant="soft",
                color_scheme="gray",
                size="2",
            ),
            spacing="3",
        ),
        on_submit=ProfileState.turn_factor_on,
        class_name="stacked",
    )


def _recovery_codes() -> rx.Component:
    return rx.el.div(
        rx.el.p(
            t(
                "Two-factor is on. Keep these recovery codes where you find them without your "
                "phone: each lets you in once. They are not shown again."
            )
        ),
        rx.el.ul(
            rx.foreach(ProfileState.codes, lambda code: rx.el.li(rx.code(code, size="2"))),
            class_name="codes",
        ),
        rx.flex(rx.button(t("I have kept them"), on_click=ProfileState.leave_factor, size="2")),
        class_name="stacked",
        role="status",
    )


def _on() -> rx.Component:
    return rx.el.form(
        rx.el.p(
            tn(
                "On. {count} recovery code is left.",
                "On. {count} recovery codes are left.",
                ProfileState.codes_left,
            ),
            class_name="quiet",
        ),
        field(
            t("Code, to turn it off"),
            "code",
            ProfileState.errors["code"],
            auto_complete="one-time-code",
        ),
        rx.flex(
            rx.button(
                t("Turn off"), type="submit", variant="surface", color_scheme="gray", size="2"
            )
        ),
        on_submit=ProfileState.turn_factor_off,
        class_name="stacked",
        key=f"factor-{ProfileState.form}",
    )
