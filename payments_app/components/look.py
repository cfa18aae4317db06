"""How the whole app looks: theme, stylesheet, icon; and the React parts of our own."""

from typing import Any, Final

import reflex as rx
from reflex_components_core.el.element import Element

from payments_app.components.first_rows import first_rows_script

THEME: Final = rx.theme(
    accent_color="indigo", gray_color="slate", radius="medium", scaling="100%", appearance="inherit"
)
"""For the Radix plugin in rxconfig.py."""

LOOK: Final[dict[str, Any]] = {
    "stylesheets": ["/portal.css", "/staff.css", "/operations.css", "/live_table.css"],
    "head_components": [
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        rx.el.meta(name="color-scheme", content="light dark"),
        first_rows_script(),
    ],
    "html_lang": "en",
    # Reflex's own toasts would need 'unsafe-eval', and its red mark of a lost connection lies over
    # the page; the frame has an offline bar instead. A None here would leave both as they are.
    "toaster": None,
    "extra_app_wraps": {(5, "Overlay"): lambda _stateful: rx.fragment()},
}
"""For ``rx.App``."""


class RowKeys(rx.NoSSRComponent):
    """Arrow keys in the list; gives the focus back when the sheet of ``opened`` closes."""

    library = "$/public/row_keys.js"
    tag = "RowKeys"

    opened: rx.Var[str]


class CopyButton(rx.Component):
    """Shows ``text`` and copies it; ``label`` says so in its tooltip."""

    library = "$/public/copy_button.js"
    tag = "CopyButton"

    text: rx.Var[str]
    label: rx.Var[str]


class LoginForm(rx.Component):
    """E-mail and password. ``texts`` are its words, by name, complaints included."""

    library = "$/public/login_form.js"
    tag = "LoginForm"

    texts: rx.Var[dict[str, str]]


class PlainLink(Element):
    """A link that the browser follows itself; ``rx.link`` and ``rx.el.a`` stay inside the page."""

    tag = "a"

    href: rx.Var[str]
    download: rx.Var[bool]


class NativeForm(Element):
    """A form that the browser posts itself; ``rx.form`` never lets it."""

    tag = "form"

    action: rx.Var[str]
    method: rx.Var[str]
