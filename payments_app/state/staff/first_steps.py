"""What is left to set up, at the top of the staff's overview."""

from payments_app.services import first_steps
from payments_app.services.context import current
from payments_app.services.first_steps import GatewaySteps
from payments_app.state.gate import viewer_event
from payments_app.state.session import SessionState


class FirstStepsState(SessionState):
    """``left`` is False once nothing is left, and before it is known."""

    left: bool = False
    needs_account: bool = False
    needs_mail: bool = False
    gateways: list[GatewaySteps] = []

    @viewer_event
    async def load(self) -> None:
        """Look what is left."""
        who = await self._identity()
        if who is None:
            return
        found = await first_steps.left(current(), who)
        self.left = not found.done
        self.needs_account, self.needs_mail = found.needs_account, found.needs_mail
        self.gateways = list(found.gateways)
