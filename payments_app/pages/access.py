"""The pages around a login: one's own profile, and choosing a password by a link."""

import reflex as rx

from payments_app.components.forms import field, language_choice
from payments_app.components.frame import plain_frame, theme_switch
from payments_app.components.profile import profile
from payments_app.components.words import t
from payments_app.settings import Settings
from payments_app.state.links import ForgotState, LinkState


def profile_page() -> rx.Component:
    """Show the user's own page."""
    return plain_frame(rx.cond(rx.State.is_hydrated, profile(), rx.skeleton(height="320px")))


def link_page() -> rx.Component:
    """Let the receiver of a link choose a password."""
    return _card(
        rx.match(
            LinkState.step,
            ("form", _choose()),
            (
                "done",
                rx.fragment(
                    rx.el.h1(t("Your password is set")),
                    rx.el.p(t("Log in with it. You are logged out everywhere else.")),
                    rx.button(rx.el.a(t("Log in"), href="/login"), as_child=True, size="3"),
                ),
            ),
            (
                "gone",
                rx.fragment(
                    rx.el.h1(t("This link opens nothing any more")),
                    rx.el.p(t("It was used or has expired. Ask for a new one.")),
                    rx.button(
                        rx.el.a(t("Get a new link"), href="/forgot"), as_child=True, size="3"
                    ),
                ),
            ),
            rx.skeleton(height="240px"),
        )
    )


def forgot_page() -> rx.Component:
    """Ask for the e-mail address to send a link to."""
    return _card(
        rx.el.h1(t("Forgot your password?")),
        rx.cond(
            ForgotState.sent,
            rx.el.p(
                t("If we know this address, a link is on its way. It works once, for 30 minutes."),
                role="status",
            ),
            rx.el.form(
                field(
                    t("E-mail"),
                    "email",
                    ForgotState.fault,
                    type="email",
                    auto_complete="username",
                    max_length=254,
                ),
                rx.button(t("Send a link"), type="submit", size="3"),
                on_submit=ForgotState.request,
                class_name="stacked",
                no_validate=True,
            ),
        ),
        rx.el.p(rx.link(t("Back to the login"), href="/login", size="2")),
    )


def not_found_page() -> rx.Component:
    """Say that an address leads nowhere, and where to go instead."""
    return _card(
        rx.el.h1(t("There is no page here")),
        rx.el.p(t("The address may be mistyped, or what it led to is gone.")),
        rx.button(rx.el.a(t("Go to your payments"), href="/"), as_child=True, size="3"),
    )


def _choose() -> rx.Component:
    return rx.fragment(
        rx.el.h1(rx.cond(LinkState.invited, t("Welcome"), t("Choose a new password"))),
        rx.el.p(t("For {email}", email=LinkState.email), class_name="quiet"),
        rx.el.form(
            field(
                t("Password"),
                "password",
                LinkState.errors["password"],
                t("At least 10 characters; several unrelated words are best."),
                type="password",
                auto_complete="new-password",
            ),
            field(
                t("Password again"),
                "again",
                LinkState.errors["again"],
                type="password",
                auto_complete="new-password",
            ),
            rx.button(t("Set password"), type="submit", size="3"),
            on_submit=LinkState.choose,
            class_name="stacked",
        ),
    )


def _card(*content: rx.Component) -> rx.Component:
    return rx.box(
        rx.box(theme_switch(), class_name="login-switch"),
        rx.el.main(
            rx.el.p(Settings().portal_name, class_name="brand"),
            *content,
            language_choice(),
            class_name="login stacked",
        ),
        class_name="frame",
    )
