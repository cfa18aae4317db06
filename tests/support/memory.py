"""Where the tests keep their files: in memory, since a disk takes its time for every commit."""

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ENOUGH = 2 * 1024**3
"""Bytes that have to be free there; a container often gives a few megabytes only."""


def keep_files_in_memory() -> None:
    """Let this process and those it starts make their temporary files there, where it is roomy.

    Whoever sets TMPDIR has chosen a place already.
    """
    if "TMPDIR" in os.environ or not os.access(_MEMORY, os.W_OK):
        return
    if shutil.disk_usage(_MEMORY).free >= _ENOUGH:
        os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)
