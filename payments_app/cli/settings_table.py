"""Write the tables of all settings in docs/operations.md anew: run after a change of settings.

``python -m payments_app.cli.settings_table`` takes names, defaults and meanings from the code, so
that the document cannot say anything else; a test compares them.
"""

from collections.abc import Iterable, Iterator, Set
from enum import Enum
from typing import Any, Final

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from payments_app.cli.build import ROOT
from payments_app.gateways.registry import GATEWAYS
from payments_app.settings import GatewaySettings, Settings

DOCUMENT: Final = ROOT / "docs" / "operations.md"
_BEGIN: Final = "<!-- settings: written by payments_app.cli.settings_table -->\n"
_END: Final = "<!-- end of settings -->\n"


def tables() -> str:
    """Return the settings of the portal, of every gateway, and of each, as Markdown."""
    common = set(GatewaySettings.model_fields)
    parts = [
        "### The portal\n",
        _table(_rows(Settings, "", set(Settings.model_fields))),
        "### Every gateway\n",
        "`GATEWAY` stands for the prefix of each gateway's own settings below. Amounts by currency "
        'are JSON: `{"USD": "0.50"}`.\n',
        _table(_rows(GatewaySettings, "GATEWAY_", common)),
    ]
    for gateway in GATEWAYS:
        own = {name for name in gateway.Settings.model_fields if _differs(gateway.Settings, name)}
        prefix = gateway.Settings.model_config.get("env_prefix") or ""
        parts += [f"### {gateway.label}\n", _table(_rows(gateway.Settings, prefix, own))]
    return "\n".join(parts)


def with_tables(document: str) -> str:
    """Return the document with the tables as they should be between their two marks."""
    before, _, rest = document.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{tables()}\n{_END}{after}"


def _differs(kind: type[GatewaySettings], name: str) -> bool:
    inherited = GatewaySettings.model_fields.get(name)
    return inherited is None or inherited.default != kind.model_fields[name].default


def _rows(kind: type[BaseSettings], prefix: str, names: Set[str]) -> Iterator[tuple[str, str, str]]:
    for name, field in kind.model_fields.items():
        if name not in names:
            continue
        inherited = GatewaySettings.model_fields.get(name)
        meaning = field.description or (inherited and inherited.description) or ""
        if not meaning:
            raise RuntimeError(f"{kind.__name__}.{name} needs a docstring below it")
        text = " ".join(meaning.split()).replace("``", "`").replace("|", "\\|")
        yield (
            f"`{prefix}{name}`".upper(),
            _shown(field.get_default(call_default_factory=True)),
            text,
        )


def _shown(default: Any) -> str:
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if default is None or default in ("", (), {}):
        return ""
    if isinstance(default, Enum):
        default = default.value
    if isinstance(default, (frozenset, tuple)):
        default = ",".join(sorted(default) if isinstance(default, frozenset) else default)
    if isinstance(default, dict):
        default = ", ".join(f"{name} {value}" for name, value in default.items())
    return f"`{default}`"


def _table(rows: Iterable[tuple[str, str, str]]) -> str:
    lines = ["| Variable | Default | Meaning |", "| --- | --- | --- |"]
    lines += [f"| {variable} | {default} | {meaning} |" for variable, default, meaning in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(with_tables(DOCUMENT.read_text()))
