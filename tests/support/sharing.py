"""Which files one worker tests, one after the other, when several share the tests."""

from typing import Final

from xdist.scheduler import LoadFileScheduling

TOGETHER: Final = (
    ("tests/attack/",),
    (
        "tests/browser/test_address.py",
        "tests/browser/test_balance.py",
        "tests/browser/test_first_rows.py",
        "tests/browser/test_policy.py",
    ),
)
"""What such paths begin with: their tests share a portal, which another worker would start anew."""


class SharingScheduling(LoadFileScheduling):
    """Gives each worker whole files, and together those that share more than a file does."""

    def _split_scope(self, nodeid: str) -> str:
        together = (paths[0] for paths in TOGETHER if nodeid.startswith(paths))
        return next(together, super()._split_scope(nodeid))
