"""Write all that is kept about an account's people into a file."""

from pathlib import Path

from payments_app.services import personal_data
from payments_app.services.context import Portal
from payments_app.services.identity import Identity


async def write_personal_data(portal: Portal, who: Identity, account_id: int, file: Path) -> None:
    """Write the JSON that an owner downloads; raises NotFound."""
    pieces = await personal_data.export(portal, who, account_id, "")
    with file.open("w", encoding="utf-8") as target:
        async for piece in pieces:
            target.write(piece)
