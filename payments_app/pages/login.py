"""The login page."""

import reflex as rx

from payments_app.components.forms import language_choice
from payments_app.components.frame import theme_switch
from payments_app.components.look import LoginForm
from payments_app.components.words import t
from payments_app.settings import Settings

_TEXTS = {
    "email": t("E-mail"),
    "password": t("Password"),
    "code": t("Code of your authenticator app, or a recovery code"),
    "wrong_code": t("This code is not right. Use the newest one; each counts once."),
    "submit": t("Log in"),
    "busy": t("Logging in"),
    "email_missing": t("Enter your e-mail address."),
    "password_missing": t("Enter your password."),
    "wrong_login": t("E-mail and password do not match."),
    "invalid": t("E-mail and password do not match."),
    "too_many_attempts": t("Too many attempts. Wait a few minutes and try again."),
    "unreachable": t("No answer. Check your connection and try again."),
}


def login_page() -> rx.Component:
    """Ask for e-mail and password."""
    return rx.box(
        rx.box(theme_switch(), class_name="login-switch"),
        rx.el.main(
            rx.el.p(Settings().portal_name, class_name="brand"),
            rx.el.h1(t("Log in")),
            LoginForm.create(texts=_TEXTS),
            rx.el.p(rx.link(t("Forgot your password?"), href="/forgot", size="2")),
            language_choice(),
            class_name="login",
        ),
        class_name="frame",
    )
