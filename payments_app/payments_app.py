"""Composition root: the app, its pages, routes and lifespan tasks."""

import reflex as rx


class Greeting(rx.State):
    """How often the button was pressed; shows that the event socket works."""

    count: int = 0

    @rx.event
    def press(self) -> None:
        """Count one up."""
        self.count += 1


@rx.page("/", title="Payments")
def index() -> rx.Component:
    """One button."""
    return rx.fragment(rx.button("Pressed ", Greeting.count, on_click=Greeting.press))


app = rx.App()
