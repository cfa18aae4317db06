"""Ask whether advisories are known against pinned packages: ``python -m ...cli.advisories``.

Ends with 0 when every package was asked about and none has one, with 1 when one has, and with 2
when some could not be asked about: an answer that did not come is no good news.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from payments_app.cli.build import ROOT

_TOOLS: Final = Path(sys.executable).parent
FOUND: Final = 1
NOT_ASKED: Final = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """What one registry said: ``asked`` packages have an answer, ``unasked`` have none."""

    source: str
    asked: int
    unasked: int
    advisories: tuple[str, ...] = ()
    why: str = ""


def python_packages() -> Answer:
    """Ask about the packages of requirements.txt, by pip-audit."""
    options = ("--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off")
    told = _run(["pip-audit", *options, "--requirement", str(ROOT / "requirements.txt")])
    packages = told.get("dependencies", [])
    skipped = [package for package in packages if "skip_reason" in package]
    return Answer(
        "Python packages (pip-audit)",
        asked=len(packages) - len(skipped),
        unasked=len(skipped),
        advisories=tuple(
            f"{package['name']} {package['version']}: {advisory['id']}"
            for package in packages
            for advisory in package.get("vulns", [])
        ),
        why=skipped[0]["skip_reason"] if skipped else told.get("failed", ""),
    )


def javascript_packages() -> Answer:
    """Ask about the packages of the JavaScript lock file, by npm audit."""
    told = _run(["npm", "audit", "--json", "--package-lock-only"], ROOT / "reflex.lock")
    lock = json.loads((ROOT / "reflex.lock" / "package-lock.json").read_text())
    total = len(lock["packages"]) - 1
    found = told.get("vulnerabilities")
    if found is None:
        why = told.get("message") or told.get("failed", "")
        return Answer("JavaScript packages (npm audit)", 0, total, why=why)
    advisories = tuple(f"{name}: {one['severity']}" for name, one in found.items())
    return Answer("JavaScript packages (npm audit)", total, 0, advisories)


def _run(command: list[str], folder: Path = ROOT) -> dict[str, Any]:
    tool = _TOOLS / command[0]
    result = subprocess.run([tool, *command[1:]], cwd=folder, capture_output=True, text=True)
    try:
        told: dict[str, Any] = json.loads(result.stdout)
    except ValueError:
        lines = (result.stderr or result.stdout).strip().splitlines()
        return {"failed": lines[-1] if lines else f"{command[0]} said nothing"}
    return told


def report(answers: list[Answer]) -> int:
    """Print what was found and what could not be asked; return the exit code."""
    for answer in answers:
        print(f"{answer.source}: {answer.asked} asked, {len(answer.advisories)} with an advisory")
        for advisory in answer.advisories:
            print(f"  {advisory}")
        if answer.unasked or not answer.asked:
            print(f"  NOT CHECKED: {answer.unasked} packages, for no answer came ({answer.why})")
    if any(answer.advisories for answer in answers):
        return FOUND
    return NOT_ASKED if any(one.unasked or not one.asked for one in answers) else 0


if __name__ == "__main__":
    sys.exit(report([python_packages(), javascript_packages()]))
