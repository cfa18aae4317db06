"""Every event handler, attacked over a raw socket by everyone who may not send it, or not so.

The handlers are read from Reflex's registry: a new one is attacked by itself.
"""

import pytest

from payments_app.state.gate import may_send
from tests.attack.handlers import NAMES, plausible, unfit
from tests.attack.sockets import send_all
from tests.attack.target import CANARY, Target
from tests.support.roles import Kind


def test_setvar_of_every_state_is_among_the_attacked() -> None:
    assert sum(name.endswith(".setvar") for name in NAMES) > 30


@pytest.mark.parametrize("kind", Kind)
async def test_what_somebody_may_not_send_changes_nothing_and_tells_nothing(
    unharmed: Target, kind: Kind
) -> None:
    refused = [name for name in NAMES if not may_send(name, unharmed.identities[kind])]
    events = [(name, plausible(name, unharmed.foreign)) for name in refused]
    events += [(n, {"var_name": "x", "value": "owned"}) for n in refused if n.endswith("setvar")]
    said = await send_all(unharmed, unharmed.tokens[kind], events)
    assert CANARY not in said
    assert "owned" not in said


@pytest.mark.parametrize("path", ["/?payment={paid}", "/pay/{reference}"])
async def test_another_accounts_belongings_are_out_of_reach(standing: Target, path: str) -> None:
    """Rule 9: whatever a customer may send, with what belongs to another account."""
    before = standing.digest(own=False)
    who = standing.identities[Kind.CUSTOMER]
    events = [(name, plausible(name, standing.foreign)) for name in NAMES if may_send(name, who)]
    session, here = standing.tokens[Kind.CUSTOMER], path.format_map(standing.foreign)
    assert CANARY not in await send_all(standing, session, events, here)
    assert standing.digest(own=False) == before


async def test_arguments_that_do_not_fit_run_nothing(unharmed: Target) -> None:
    """Sent by an owner, who may send every event of the staff's."""
    events = [
        (name, payload)
        for name in NAMES
        if not name.endswith(".setvar")
        for payload in unfit(name, unharmed.foreign)
    ]
    unharmed.news()
    await send_all(unharmed, unharmed.tokens[Kind.OWNER], events)
    assert unharmed.portal.log_path.read_text().count("cause=arguments") >= len(events)
