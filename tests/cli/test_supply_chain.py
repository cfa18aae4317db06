"""What the portal is made of: every package named, hashed, licensed, and asked about."""

import json
import re
import stat
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from payments_app.cli import advisories, sbom
from payments_app.cli.build import ROOT
from payments_app.cli.inventory import packages

PERMISSIVE = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "CC-BY-4.0", "ISC"),
    *("MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Unlicense"),
}
READ_ONE_BY_ONE = {"fpdf2": "LGPL-3.0-only"}


def test_the_bill_of_materials_is_valid_cyclonedx() -> None:
    written = json.dumps(sbom.bill())
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written) is None


def test_the_bill_names_every_package_of_both_locks_with_its_hashes() -> None:
    found = {part["purl"]: part for part in sbom.bill()["components"]}
    lock = (ROOT / "requirements.txt").read_text()
    pins = re.findall(r"(?m)^([\w.-]+)(?:\[\w+\])?==([\w.]+)", lock)
    npm = json.loads((ROOT / "reflex.lock" / "package-lock.json").read_text())["packages"]
    wanted = {f"pkg:pypi/{name}@{version}" for name, version in pins} | {
        f"pkg:npm/{path.rpartition('node_modules/')[2].replace('@', '%40')}@{entry['version']}"
        for path, entry in npm.items()
        if path
    }
    assert set(found) == wanted
    hashes = [digest["content"] for part in found.values() for digest in part["hashes"]]
    assert all(part["hashes"] for part in found.values())
    assert set(re.findall(r"sha256:(\w+)", lock)) <= set(hashes)


def test_the_bill_is_the_same_for_the_same_locks() -> None:
    assert sbom.bill() == sbom.bill()


def test_what_is_required_directly_hangs_on_the_portal() -> None:
    (root,) = sbom.bill()["dependencies"]
    assert {"pkg:pypi/reflex@", "pkg:npm/react@"} <= {
        ref[: ref.index("@", 9) + 1] for ref in root["dependsOn"]
    }


def test_every_licence_allows_what_is_done() -> None:
    for part in packages():
        licences = set(re.split(r" (?:OR|AND) ", part.licence))
        assert licences <= PERMISSIVE or READ_ONE_BY_ONE.get(part.name) == part.licence, part


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs in place of pip-audit and npm."""
    monkeypatch.setattr(advisories, "_TOOLS", tmp_path)
    return tmp_path


def answer(tools: Path, name: str, text: str) -> None:
    (tools / f"{name}.json").write_text(text)
    program = tools / name
    program.write_text(f"#!/bin/sh\ncat {tools}/{name}.json\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


CLEAN = {"name": "httpx", "version": "1", "vulns": []}
BAD = {"name": "jinja2", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
UNASKED = {"name": "redis", "skip_reason": "not found"}
NO_ANSWER = {"message": "405 Method Not Allowed", "error": {}}


@pytest.mark.parametrize(
    ("python", "npm", "code", "said"),
    [
        ({"dependencies": [CLEAN]}, {"vulnerabilities": {}}, 0, "1 asked, 0 with an advisory"),
        ({"dependencies": [CLEAN, BAD]}, {"vulnerabilities": {}}, 1, "jinja2 1: CVE-1"),
        ({"dependencies": [CLEAN]}, {"vulnerabilities": {"vite": {"severity": "high"}}}, 1, "vite"),
        ({"dependencies": [CLEAN, UNASKED]}, {"vulnerabilities": {}}, 2, "NOT CHECKED: 1 packages"),
        ({"dependencies": [CLEAN]}, NO_ANSWER, 2, "405 Method Not Allowed"),
        ({"dependencies": []}, {"vulnerabilities": {}}, 2, "NOT CHECKED"),
    ],
)
def test_an_answer_that_did_not_come_is_no_good_news(
    tools: Path,
    capsys: pytest.CaptureFixture[str],
    python: object,
    npm: object,
    code: int,
    said: str,
) -> None:
    answer(tools, "pip-audit", json.dumps(python))
    answer(tools, "npm", json.dumps(npm))
    answers = [advisories.python_packages(), advisories.javascript_packages()]
    assert advisories.report(answers) == code
    assert said in capsys.readouterr().out


def test_a_tool_that_fails_says_why(tools: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer(tools, "pip-audit", "Connection refused")
    assert advisories.report([advisories.python_packages()]) == advisories.NOT_ASKED
    assert "Connection refused" in capsys.readouterr().out
