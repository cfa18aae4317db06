"""The limit on what a user does often, as a sentence beside its button."""

from payments_app.domain.errors import TooManyAttempts
from payments_app.services import rates
from payments_app.services.context import current
from payments_app.services.identity import Identity
from payments_app.services.rates import Rate
from payments_app.services.wording import too_many_attempts


async def often(who: Identity | None, address: str, rate: Rate) -> str:
    """Count one use; return what to say when there were too many, empty when it may go on."""
    try:
        await rates.spend(current(), rate, who.session_id if who else None, address)
    except TooManyAttempts as error:
        return too_many_attempts(error.retry_after)
    return ""
