"""A tab's name is worth something only to the login session that it was given to."""

from hypothesis import given
from hypothesis import strategies as st

from payments_app.state.tab_names import belongs, new_name

SESSIONS = st.text(max_size=60)


@given(SESSIONS, SESSIONS)
def test_rule_9_a_name_belongs_to_one_session(session: str, other: str) -> None:
    name = new_name(session)
    assert belongs(name, session)
    assert belongs(name, other) is (session == other)


@given(SESSIONS, st.text() | st.uuids().map(str))
def test_a_name_that_a_page_chose_belongs_to_nobody(session: str, name: str) -> None:
    assert not belongs(name, session)


def test_every_name_is_another() -> None:
    assert new_name("session") != new_name("session")
