"""The user's own page: sessions, password, second factor."""

import reflex as rx

from payments_app.components.forms import field, panel
from payments_app.components.staff.table import cell, column, dense_table
from payments_app.services.sessions import OwnSession
from payments_app.state.profile import ProfileState
from payments_app.state.session import SessionState

_HEAD = ("Device", "Address", "Last seen", "Since", "")


def profile() -> rx.Component:
    """Show who is logged in and how the login is protected."""
    return rx.fragment(
        rx.el.h1("Profile and security"),
        rx.cond(
            SessionState.lacks_second_factor,
            rx.callout(
                "Staff need two-factor here. Set it up below to go on.",
                icon="shield",
                color_scheme="amber",
                margin_bottom="16px",
                role="status",
            ),
        ),
        panel(
            "Where you are logged in",
            dense_table(
                "Your sessions",
                [column(head) for head in _HEAD],
                rx.foreach(ProfileState.sessions, _session),
            ),
            actions=rx.cond(
                ProfileState.sessions.length() > 1,
                rx.button(
                    "Sign out everywhere else",
                    on_click=ProfileState.sign_out_elsewhere,
                    variant="surface",
                    color_scheme="gray",
                    size="2",
                ),
                rx.fragment(),
            ),
        ),
        rx.el.div(
            panel("Password", _password()),
            panel("Two-factor", _second_factor()),
            class_name="halves",
        ),
    )


def _session(one: OwnSession) -> rx.Component:
    return rx.el.tr(
        cell("Device", one.device),
        cell("Address", one.address, class_name="soft tabular"),
        cell("Last seen", one.last_seen, class_name="soft tabular"),
        cell("Since", one.started, class_name="soft tabular"),
        rx.el.td(
            rx.cond(
                one.is_this,
                rx.el.span("This one", class_name="pill completed"),
                rx.button(
                    "Sign out",
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


def _password() -> rx.Component:
    errors = ProfileState.errors
    return rx.el.form(
        field(
            "Present password",
            "present",
            errors["present"],
            type="password",
            auto_complete="current-password",
        ),
        field(
            "New password",
            "password",
            errors["password"],
            "At least 10 characters; several unrelated words are best.",
            type="password",
            auto_complete="new-password",
        ),
        field(
            "New password again",
            "again",
            errors["again"],
            type="password",
            auto_complete="new-password",
        ),
        rx.flex(
            rx.button("Change password", type="submit", variant="surface", size="2"),
            rx.el.span(ProfileState.notice, class_name="quiet", role="status"),
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
        rx.el.p("Off. With it, a stolen password alone lets nobody in.", class_name="quiet"),
        rx.flex(rx.button("Set up two-factor", on_click=ProfileState.set_factor_up, size="2")),
        class_name="stacked",
    )


def _enrolment() -> rx.Component:
    return rx.el.form(
        rx.el.p("Scan this with an authenticator app, or type the key into it."),
        rx.image(
            src=ProfileState.picture,
            alt="QR code of the key",
            width="200px",
            border_radius="var(--radius-3)",
        ),
        rx.code(ProfileState.secret, size="2"),
        field(
            "Code that the app shows",
            "code",
            ProfileState.errors["code"],
            auto_complete="one-time-code",
            input_mode="numeric",
        ),
        rx.flex(
            rx.button("Turn on", type="submit", size="2"),
            rx.button(
                "Cancel",
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
            "Two-factor is on. Keep these recovery codes where you find them without your phone: "
            "each lets you in once. They are not shown again."
        ),
        rx.el.ul(
            rx.foreach(ProfileState.codes, lambda code: rx.el.li(rx.code(code, size="2"))),
            class_name="codes",
        ),
        rx.flex(rx.button("I have kept them", on_click=ProfileState.leave_factor, size="2")),
        class_name="stacked",
        role="status",
    )


def _on() -> rx.Component:
    return rx.el.form(
        rx.el.p("On. ", f"{ProfileState.codes_left} recovery codes are left.", class_name="quiet"),
        field(
            "Code, to turn it off",
            "code",
            ProfileState.errors["code"],
            auto_complete="one-time-code",
        ),
        rx.flex(
            rx.button("Turn off", type="submit", variant="surface", color_scheme="gray", size="2")
        ),
        on_submit=ProfileState.turn_factor_off,
        class_name="stacked",
        key=f"factor-{ProfileState.form}",
    )
