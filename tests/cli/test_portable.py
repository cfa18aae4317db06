"""The rewriting of the built front end's addresses."""

from pathlib import Path

import pytest

from payments_app.cli.portable import make_portable

BUNDLE = 'var e={PING:"http://portal.invalid/ping",EVENT:`ws://portal.invalid/_event`,X:`a`}'


def test_addresses_become_the_pages_own_origin(tmp_path: Path) -> None:
    script = tmp_path / "assets" / "env-abc.js"
    script.parent.mkdir()
    script.write_text(BUNDLE)
    assert make_portable(tmp_path) == 2
    assert script.read_text() == (
        'var e={PING:location.origin+"/ping",'
        'EVENT:location.origin.replace("http","ws")+`/_event`,X:`a`}'
    )


@pytest.mark.parametrize("bundle", ["var e=1", BUNDLE + BUNDLE])
def test_another_number_of_sockets_is_refused(tmp_path: Path, bundle: str) -> None:
    (tmp_path / "a.js").write_text(bundle)
    with pytest.raises(RuntimeError, match="one event socket address"):
        make_portable(tmp_path)


def test_an_address_inside_a_longer_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(BUNDLE + 'var x="see http://portal.invalid/ping"')
    with pytest.raises(RuntimeError, match="unknown way"):
        make_portable(tmp_path)
