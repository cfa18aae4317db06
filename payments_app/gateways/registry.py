"""Which gateways there are: one line each, in the order customers see them."""

from collections.abc import Mapping
from typing import Any, Final

from payments_app.gateways.bank_transfer import BankTransfer
from payments_app.gateways.base import Gateway
from payments_app.gateways.card import Card
from payments_app.gateways.http import Client
from payments_app.gateways.nowpayments import NowPayments
from payments_app.gateways.paynamics import Paynamics
from payments_app.gateways.paypal import PayPal
from payments_app.gateways.paystack import Paystack

GATEWAYS: Final[tuple[type[Gateway], ...]] = (
    PayPal,
    Card,
    Paystack,
    NowPayments,
    Paynamics,
    BankTransfer,
)


def connect(issued: Mapping[str, str]) -> dict[str, Gateway]:
    """Make every gateway from the environment; returns them by code, in the order to show.

    ``issued`` holds environment variables for what the environment leaves open: the sandbox's
    addresses and keys, or nothing in live mode.
    """
    gateways = [_connect(kind, issued) for kind in GATEWAYS]
    return {gateway.code: gateway for gateway in sorted(gateways, key=lambda g: g.settings.order)}


def _connect(kind: type[Gateway], issued: Mapping[str, str]) -> Gateway:
    prefix = kind.Settings.model_config.get("env_prefix") or ""
    given = kind.Settings().model_fields_set
    defaults: dict[str, Any] = {
        name: issued[variable]
        for name in kind.Settings.model_fields
        if name not in given and (variable := f"{prefix}{name}".upper()) in issued
    }
    return kind(kind.Settings(**defaults), Client(kind.code))
