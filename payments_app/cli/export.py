"""Write an account's payments into a file, with a bar that shows how far it is."""

from pathlib import Path

from payments_app.cli.progress import bar
from payments_app.db import payments
from payments_app.db.models import Account
from payments_app.db.payments import Filter
from payments_app.domain.errors import NotFound
from payments_app.domain.payment import Role
from payments_app.services import exports
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.view import View


async def export_account(portal: Portal, account_id: int, file: Path, *, quiet: bool) -> int:
    """Write the CSV that the account's customers download, in UTC; return how many rows.

    Raises NotFound. The bar goes to standard error, and nowhere with ``quiet``.
    """
    async with portal.db.read() as session:
        account = await session.get(Account, account_id)
        if account is None:
            raise NotFound(f"account {account_id}")
        total = sum(one.rows for one in await payments.totals(session, Filter(account_id)))
    customer = Identity(
        user_id=0,
        session_id=0,
        email="",
        name="",
        role=Role.CUSTOMER,
        time_zone="UTC",
        locale="en",
        account_id=account_id,
        account_name=account.name,
        home_currency=account.home_currency,
    )
    with file.open("wb") as target, bar("Payments", total, quiet=quiet) as advance:
        async for piece in exports.csv_pieces(portal, customer, View()):
            target.write(piece)
            advance(piece.count(b"\r\n"))
    return total
