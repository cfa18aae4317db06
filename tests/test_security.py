"""What the security documents claim: each test they name is there, each item is answered."""

import ast
import re
from pathlib import Path

from payments_app.cli.personal import DOCUMENT, with_table

ROOT = Path(__file__).parent.parent
SECURITY = (ROOT / "docs" / "security.md").read_text()
ASVS = (ROOT / "docs" / "asvs.md").read_text()

LAST_ITEMS = (
    "1.1.2 1.2.9 1.3.11 1.4.3 1.5.2 2.1.3 2.2.3 2.3.4 2.4.1 3.2.2 3.3.4 3.4.6 3.5.5 3.7.2 4.1.3 "
    "4.2.1 4.3.2 4.4.4 5.1.1 5.2.3 5.3.2 5.4.3 6.1.3 6.2.12 6.3.4 6.4.4 6.5.5 6.6.3 6.8.4 7.1.3 "
    "7.2.4 7.3.2 7.4.5 7.5.2 7.6.2 8.1.2 8.2.3 8.3.1 8.4.1 9.1.3 9.2.4 10.1.2 10.2.2 10.3.4 "
    "10.4.11 10.5.5 10.6.2 10.7.3 11.1.2 11.2.3 11.3.3 11.4.4 11.5.1 11.6.1 12.1.3 12.2.2 12.3.4 "
    "13.1.1 13.2.5 13.3.2 13.4.5 14.1.2 14.2.4 14.3.3 15.1.3 15.2.3 15.3.7 16.1.1 16.2.5 16.3.4 "
    "16.4.3 16.5.3 17.1.1 17.2.4 17.3.2"
)
"""The last item of levels 1 and 2 in each section of ASVS 5.0.0; they count from 1."""


def expanded(text: str) -> set[str]:
    """Return each item of a list of items and of ranges, which are written with a dash."""
    found = set()
    for part in text.split(", "):
        first, _, last = part.partition(" \N{EN DASH} ")
        section, _, number = first.rpartition(".")
        assert not last or last.startswith(f"{section}."), part
        end = (last or first).rpartition(".")[2]
        found |= {f"{section}.{each}" for each in range(int(number), int(end) + 1)}
    return found


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`([\w/]*test_\w+\.py)::(\w+)`", SECURITY))
    assert len(named) > 50
    for path, name in named:
        tree = ast.parse((ROOT / "tests" / path).read_text())
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        found = {node.name for node in ast.walk(tree) if isinstance(node, functions)}
        assert name in found, f"{path}::{name}"


def test_every_threat_has_an_answer_and_a_test() -> None:
    threats = SECURITY.partition("## Threats")[2].partition("## The brakes")[0]
    rows = [line for line in threats.splitlines() if re.match(r"\| [STRIDE]( [STRIDE])* \|", line)]
    borders = re.findall(r"(?m)^### (.+)$", threats)
    assert len(borders) == 10
    for row in rows:
        _, _, threat, answer, shown, _ = re.split(r"(?<!\\)\|", row)
        assert threat.strip(), row
        assert answer.strip(), row
        assert "::test_" in shown, row


def test_every_border_is_looked_at_from_all_six_sides() -> None:
    threats = SECURITY.partition("## Threats")[2].partition("## The brakes")[0]
    for border in re.split(r"(?m)^### ", threats)[1:]:
        sides = set("".join(re.findall(r"(?m)^\| ([STRIDE](?: [STRIDE])*) \|", border)))
        assert sides >= set("STRIDE"), border.splitlines()[0]


def test_every_item_of_asvs_level_2_is_answered_once() -> None:
    rows = re.findall(r"(?m)^\| ([\d., \u2013]+) \| (yes|no|part|op|n\.a\.) \| (.*)\|$", ASVS)
    items = [item for cell, _, _ in rows for item in expanded(cell)]
    wanted = set()
    for last in LAST_ITEMS.split():
        section = last.rpartition(".")[0]
        wanted |= expanded(f"{section}.1 \N{EN DASH} {last}")
    assert len(wanted) == 253
    assert set(items) == wanted
    assert len(items) == len(wanted)


def test_what_is_no_or_partly_so_says_why() -> None:
    for cell, answer, why in re.findall(r"(?m)^\| ([\d., \u2013]+) \| (no|part) \| (.*)\|$", ASVS):
        assert why.strip(), (cell, answer)


def test_the_table_of_personal_data_is_that_of_the_code() -> None:
    written = DOCUMENT.read_text()
    assert written == with_table(written), "run python -m payments_app.cli.personal"
