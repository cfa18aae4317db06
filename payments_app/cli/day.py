"""Compare the gateways' payments of a day with the books, with a bar over the gateways."""

from dataclasses import dataclass
from datetime import date

from payments_app.cli.progress import bar
from payments_app.db import reconciliation as rows
from payments_app.db.operations_models import Reconciliation
from payments_app.services import reconciliation
from payments_app.services.context import Portal
from payments_app.services.identity import Identity


@dataclass(frozen=True, slots=True)
class Compared:
    """What one comparison came to; ``failed`` says why there is no result, empty for none."""

    gateway: str
    payments: int
    differences: int
    failed: str


async def compare_day(
    portal: Portal, who: Identity, day: date, gateway: str | None, *, quiet: bool
) -> list[Compared]:
    """Compare one UTC day at one gateway or at all that are set up. Raises NotFound."""
    codes = [gateway] if gateway else list(portal.gateways)
    kept: list[Reconciliation] = []
    with bar("Gateways", len(codes), quiet=quiet) as advance:
        for code in codes:
            kept += await reconciliation.reconcile_by(portal, who, day, code)
            advance(1)
    async with portal.db.read() as session:
        found = await rows.differences(session, [one.key for one in kept])
    return [
        Compared(
            one.gateway,
            one.compared,
            sum(difference.reconciliation_id == one.key for difference in found),
            one.failed or "",
        )
        for one in kept
    ]
