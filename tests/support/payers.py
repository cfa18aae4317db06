"""What a customer does at a provider: press a button of its page, type a card number."""

import re

import httpx

from payments_app.sandbox.card_http import PUBLISHABLE_KEY

VISA, NO_FUNDS = "4242424242424242", "4000000000009995"
PAY = frozenset({"approve", "all", "counter"})
"""What the buttons that pay are called, at whichever provider."""


async def press(http: httpx.AsyncClient, page: str, buttons: frozenset[str]) -> None:
    """Press the first of these buttons that the page has; none is there once it was paid."""
    shown = await http.get(page)
    for action in re.findall(r'action="([^"]+)"', shown.text):
        if action.rpartition("/")[2] in buttons:
            await http.post(action.replace("&amp;", "&"))
            return


async def confirm_card(
    http: httpx.AsyncClient, origin: str, client_secret: str, number: str, patience: float = 10
) -> httpx.Response:
    """Post what the card fields in the browser post to the sandbox at ``origin``."""
    card = {"number": number, "exp_month": "12", "exp_year": "40", "cvc": "123"}
    body = {f"payment_method_data[card][{name}]": text for name, text in card.items()}
    body |= {
        "payment_method_data[type]": "card",
        "client_secret": client_secret,
        "key": PUBLISHABLE_KEY,
    }
    intent = client_secret.partition("_secret_")[0]
    path = f"{origin}/stripe/v1/payment_intents/{intent}/confirm"
    return await http.post(path, data=body, timeout=patience)
