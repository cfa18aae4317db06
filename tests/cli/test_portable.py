"""The rewriting of the built front end's addresses."""

from pathlib import Path

import pytest

from payments_app.cli.portable import make_portable

HOSTS = 'hosts=["localhost", "0.0.0.0", "::"]'
SOCKET = "EVENT:`ws://portal.invalid/_event`"
BUNDLE = f'var {HOSTS},e={{PING:"http://portal.invalid/ping",{SOCKET},X:`a`}}'


def test_addresses_become_the_pages_own_origin(tmp_path: Path) -> None:
    script = tmp_path / "assets" / "env-abc.js"
    script.parent.mkdir()
    script.write_text(BUNDLE)
    make_portable(tmp_path)
    assert script.read_text() == (
        'var hosts=[],e={PING:location.origin+"/ping",'
        'EVENT:location.origin.replace("http","ws")+`/_event`,X:`a`}'
    )


@pytest.mark.parametrize(
    ("bundle", "reason"),
    [
        (HOSTS, "one event socket address in the bundle, found 0"),
        (BUNDLE + SOCKET, "one event socket address in the bundle, found 2"),
        (SOCKET, "one list of hosts in the bundle, found 0"),
    ],
)
def test_another_kind_of_bundle_is_refused(tmp_path: Path, bundle: str, reason: str) -> None:
    (tmp_path / "a.js").write_text(bundle)
    with pytest.raises(RuntimeError, match=reason):
        make_portable(tmp_path)


def test_an_address_inside_a_longer_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(BUNDLE + 'var x="see http://portal.invalid/ping"')
    with pytest.raises(RuntimeError, match="unknown way"):
        make_portable(tmp_path)
