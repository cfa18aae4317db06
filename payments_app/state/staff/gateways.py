"""The staff's page of gateways: their state, a test call, and what owners set."""

from collections.abc import Mapping
from typing import Any, Final

from payments_app.domain.errors import InvalidRequest, NotAllowed, NotFound
from payments_app.domain.payment import Role
from payments_app.services import gateway_calls, gateway_cards, gateway_settings
from payments_app.services.context import current
from payments_app.services.gateway_cards import GatewayCard
from payments_app.services.identity import Identity
from payments_app.services.rates import LOOK_UPS
from payments_app.state.gate import finance_event, owner_event, viewer_event
from payments_app.state.often import often
from payments_app.state.session import SessionState
from payments_app.state.topics import watch_topic

GATEWAYS_PAGE: Final = "/staff/gateways"
_LONGEST: Final = 500
_AMOUNTS: Final = ("minimum", "maximum", "fixed")


class GatewaysState(SessionState):
    """The gateways on one tab's screen; ``editing`` is the code of the one that is being set."""

    phase: str = "loading"
    cards: list[GatewayCard] = []
    can_act: bool = False
    can_set: bool = False
    testing: str = ""
    tested: str = ""
    test_ok: bool = False
    test_text: str = ""
    asks_about: str = ""
    editing: str = ""
    card: GatewayCard | None = None
    fee: str = "none"
    error_field: str = ""
    error: str = ""

    @viewer_event
    async def load(self) -> None:
        """Show how every gateway stands."""
        who = await self._identity()
        if who is None:
            return
        self.can_act, self.can_set = who.may(Role.FINANCE), who.may(Role.OWNER)
        self.tested, self.asks_about, self.editing = "", "", ""
        await self._show(who)
        token = self.router.session.client_token
        watch_topic(token, gateway_calls.TOPIC, GatewaysState.gateways_changed)

    @viewer_event
    async def gateways_changed(self) -> None:
        """Read everything anew; the server sends this when gateways were called or set."""
        who = await self._identity()
        if who is not None and self.router.url.path.rstrip("/") == GATEWAYS_PAGE:
            await self._show(who)

    @finance_event(background=True, temporal=True)
    async def test(self, code: str) -> None:
        """Make a gateway's harmless test call."""
        async with self:
            who = await self._identity()
            address = self._address()
            if who is None or self.testing or not isinstance(code, str):
                return
            words = await often(who, address, LOOK_UPS)
            if words:
                self.tested, self.test_ok, self.test_text = code, False, words
                return
            self.testing, self.tested = code, ""
        try:
            found = await gateway_cards.probe(current(), who, code, address)
            ok, text = found.ok, found.text
        except NotFound:
            ok, text = False, ""
        async with self:
            self.testing, self.tested = "", code
            self.test_ok, self.test_text = ok, text
            await self._show(who)

    @owner_event
    async def ask_about_switch(self, code: str) -> None:
        """Show or hide the question whether a gateway is to be switched on or off."""
        self.asks_about = code if isinstance(code, str) else ""

    @owner_event(temporal=True)
    async def switch(self, enabled: bool) -> None:
        """Offer the gateway that was asked about to customers, or no longer."""
        who = await self._identity()
        if who is None or not self.asks_about:
            return
        code, self.asks_about = self.asks_about, ""
        address = self._address()
        try:
            await gateway_settings.switch(
                current(), who, code, enabled=enabled is True, address=address
            )
        except (InvalidRequest, NotFound) as error:
            self.tested, self.test_ok, self.test_text = code, False, str(error)
        await self._show(who)

    @owner_event
    async def edit(self, code: str) -> None:
        """Open the settings of one gateway."""
        self.card = next((card for card in self.cards if card.code == code), None)
        self.editing = code if self.card else ""
        self.fee = self.card.fee if self.card else "none"
        self.error = self.error_field = ""

    @owner_event
    async def moved(self, is_open: bool) -> None:
        """Close the settings."""
        if is_open is not True:
            self.editing = ""

    @owner_event
    async def choose_fee(self, fee: str) -> None:
        """Choose who bears the gateway's fee."""
        self.fee = fee if fee in ("none", "percent", "fixed", "deducted") else "none"

    @owner_event(temporal=True)
    async def save(self, form: dict[str, Any]) -> None:
        """Set what the form says; what is wrong stays on screen with its complaint."""
        who = await self._identity()
        if who is None or not self.editing or not isinstance(form, dict):
            return
        await self._save(who, _values(form, self.fee))

    @owner_event(temporal=True)
    async def reset_to_environment(self) -> None:
        """Take back everything that was set over the environment."""
        who = await self._identity()
        if who is not None and self.editing:
            await self._save(who, {})

    async def _save(self, who: Identity, values: Mapping[str, Any]) -> None:
        self.error = self.error_field = ""
        enabled = {"enabled": self.card.enabled} if values and self.card else {}
        address = self._address()
        try:
            await gateway_settings.save(
                current(), who, self.editing, {**enabled, **values}, address
            )
        except InvalidRequest as error:
            self.error_field, self.error = error.field, error.code
            return
        except (NotFound, NotAllowed):
            return
        self.editing = ""
        await self._show(who)

    async def _show(self, who: Identity) -> None:
        self.cards = list(await gateway_cards.gateway_cards(current(), who))
        self.phase = "ready"


def _values(form: Mapping[str, Any], fee: str) -> dict[str, Any]:
    """Read the form: fields of amounts are named ``minimum_USD``; empty ones set nothing."""
    text = {str(name): str(value).strip()[:_LONGEST] for name, value in form.items()}
    amounts: dict[str, dict[str, str]] = {kind: {} for kind in _AMOUNTS}
    for name, value in text.items():
        kind, _, currency = name.partition("_")
        if value and currency and kind in amounts:
            amounts[kind][currency] = value
    return {
        "order": text.get("order", ""),
        "currencies": text.get("currencies", ""),
        "minimum": amounts["minimum"],
        "maximum": amounts["maximum"],
        "surcharge_percent": text.get("percent", "") if fee == "percent" else "0",
        "surcharge_fixed": amounts["fixed"] if fee == "fixed" else {},
        "fee_deducted": fee == "deducted",
    }
