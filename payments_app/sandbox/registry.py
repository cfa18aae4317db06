"""The twins that the sandbox brings: one line each."""

from payments_app.sandbox import card
from payments_app.sandbox.twin import Twin

TWINS: tuple[Twin, ...] = (card.TWIN,)
