"""The login page."""

import reflex as rx

from payments_app.components.frame import theme_switch
from payments_app.components.look import LoginForm
from payments_app.settings import Settings

_TEXTS = {
    "email": "E-mail",
    "password": "Password",
    "code": "Code of your authenticator app, or a recovery code",
    "wrong_code": "This code is not right. Use the newest one; each counts once.",
    "submit": "Log in",
    "busy": "Logging in",
    "email_missing": "Enter your e-mail address.",
    "password_missing": "Enter your password.",
    "wrong_login": "E-mail and password do not match.",
    "invalid": "E-mail and password do not match.",
    "too_many_attempts": "Too many attempts. Wait a few minutes and try again.",
    "unreachable": "No answer. Check your connection and try again.",
}


def login_page() -> rx.Component:
    """Ask for e-mail and password."""
    return rx.box(
        rx.box(theme_switch(), class_name="login-switch"),
        rx.el.main(
            rx.el.p(Settings().portal_name, class_name="brand"),
            rx.el.h1("Log in"),
            LoginForm.create(texts=_TEXTS),
            rx.el.p(rx.link("Forgot your password?", href="/forgot", size="2")),
            class_name="login",
        ),
        class_name="frame",
    )
