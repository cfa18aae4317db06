"""Write the software bill of materials: ``python -m payments_app.cli.sbom [FILE]``.

CycloneDX 1.6 as JSON, the same for the same locks. It names every package that runs, and those that
only build the front end with the scope ``excluded``.
"""

import json
import re
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any, Final

from payments_app.cli.build import ROOT
from payments_app.cli.inventory import Package, packages

DEFAULT: Final = ROOT / "sbom.cdx.json"


def bill() -> dict[str, Any]:
    """Return the bill of materials."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    parts = packages()
    root = f"pkg:generic/{project['name']}@{project['version']}"
    content = "\n".join(part.purl for part in parts)
    direct = _direct()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, root + content)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": project["name"],
                "version": project["version"],
            }
        },
        "components": [_component(part) for part in parts],
        "dependencies": [
            {
                "ref": root,
                "dependsOn": [part.purl for part in parts if (part.kind, part.name) in direct],
            }
        ],
    }


def _component(part: Package) -> dict[str, Any]:
    group, _, name = part.name.rpartition("/")
    single = " " not in part.licence
    licence = {"license": {"id": part.licence}} if single else {"expression": part.licence}
    return {
        "type": "library",
        "bom-ref": part.purl,
        **({"group": group} if group else {}),
        "name": name,
        "version": part.version,
        "scope": "required" if part.ships else "excluded",
        "hashes": [{"alg": name, "content": digest} for name, digest in part.hashes],
        "licenses": [licence],
        "purl": part.purl,
    }


def _direct() -> set[tuple[str, str]]:
    required = (ROOT / "requirements.in").read_text()
    wanted = json.loads((ROOT / "reflex.lock" / "package.json").read_text())
    names = re.findall(r"(?m)^([\w.-]+)(?:\[\w+\])?==", required)
    return {("pypi", name) for name in names} | {
        ("npm", name) for name in (*wanted["dependencies"], *wanted["devDependencies"])
    }


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    target.write_text(json.dumps(bill(), indent=1) + "\n")
    print(target)
