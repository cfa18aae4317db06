"""Write docs/licences.md anew: ``python -m payments_app.cli.licences``."""

from collections import defaultdict
from typing import Final

from payments_app.cli.build import ROOT
from payments_app.cli.inventory import packages

DOCUMENT: Final = ROOT / "docs" / "licences.md"

_HEAD: Final = """# Licences

Every package that the portal runs or is built with, by the licence under which it may be used. Made
from the locks by `python -m payments_app.cli.licences`; `make sbom` writes the same for machines.

fpdf2 (LGPL-3.0) and the packages under MPL-2.0 are used unchanged, as packages of their own. Those
under MPL-2.0 that only build the front end are not part of what is served.
"""


def document() -> str:
    """Return the document's text."""
    by_licence: dict[str, list[str]] = defaultdict(list)
    for part in packages():
        mark = "" if part.ships else " (build)"
        by_licence[part.licence].append(f"{part.name} {part.version}{mark}")
    parts = [
        f"## {licence}\n\n" + "\n".join(f"- {name}" for name in names)
        for licence, names in sorted(by_licence.items())
    ]
    return "\n".join([_HEAD, "\n\n".join(parts), ""])


if __name__ == "__main__":
    DOCUMENT.write_text(document())
    print(DOCUMENT)
