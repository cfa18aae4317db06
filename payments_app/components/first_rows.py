"""Room for what the server writes into the customer's page before its own state has come."""

from typing import Final

import reflex as rx

_LIBRARY: Final = "$/public/first_rows.js"


class _FirstRows(rx.Component):
    """An empty ``element``, filled by api/first_rows.py; see assets/first_rows.js.

    What comes right after it is shown only when nothing was filled in.
    """

    library = _LIBRARY
    tag = "FirstRows"

    element: rx.Var[str]
    place: rx.Var[str]


def first_rows() -> rx.Component:
    """Return the room for the newest payments, in a table."""
    return _FirstRows.create(element="tbody", place="rows")


def first_zone() -> rx.Component:
    """Return the room for the time zone of the dates."""
    return _FirstRows.create(element="span", place="zone", class_name="zone")


def first_balances() -> rx.Component:
    """Return the room for the balances."""
    return _FirstRows.create(element="div", place="balances")


def first_rows_script() -> rx.Component:
    """Return the script for what happens before the page's own scripts have come.

    It keeps the newest payments from showing where a tab shows others: a tab's filters are kept by
    its state on the server; that they are set, assets/first_rows.js notes for as long as the tab
    lives. And it remembers which button was pressed, for assets/first_rows.js to press it again.
    """
    return rx.el.script(_SCRIPT)


_SCRIPT: Final = """
if (typeof document !== "undefined") (() => {
  if (sessionStorage.list) document.documentElement.dataset.list = sessionStorage.list;
  const early = window.portalEarly = {
    note: (event) => { early.button = event.target.closest("button"); },
  };
  addEventListener("click", early.note, true);
})();
"""
