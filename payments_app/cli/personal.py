"""What is kept about people: into a file for one account, and into docs/security.md for all.

``python -m payments_app.cli.personal`` writes the document's table anew.
"""

from pathlib import Path
from typing import Final

from payments_app.cli.build import ROOT
from payments_app.db.personal import PERSONAL
from payments_app.services import personal_data
from payments_app.services.context import Portal
from payments_app.services.identity import Identity

DOCUMENT: Final = ROOT / "docs" / "security.md"
_BEGIN: Final = "<!-- personal data: written by payments_app.cli.personal -->\n"
_END: Final = "<!-- end of personal data -->\n"


async def write_personal_data(portal: Portal, who: Identity, account_id: int, file: Path) -> None:
    """Write the JSON that an owner downloads; raises NotFound."""
    pieces = await personal_data.export(portal, who, account_id, "")
    with file.open("w", encoding="utf-8") as target:
        async for piece in pieces:
            target.write(piece)


def with_table(document: str) -> str:
    """Return the document with the table as it should be between its two marks."""
    before, _, rest = document.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    lines = ["| Table | What | What for | When it is erased |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{kept.table.__tablename__}` | {', '.join(f'`{name}`' for name in kept.columns)} "
        f"| {kept.why} | {kept.erasing} |"
        for kept in PERSONAL
    ]
    table = "\n".join(lines)
    return f"{before}{_BEGIN}\n{table}\n\n{_END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text()))
