"""Serve the portal with hot reload. See ``make dev``.

Reflex's preview mode is used, not its Vite server: it serves everything from one port, so that
cookies, routes and the sandbox work as they do in production.
"""

import os
import sys

from payments_app.cli.build import ROOT, toolchain_environment
from payments_app.cli.run import prepare
from payments_app.cli.serve import exit_in_one_line
from payments_app.settings import Settings


def main() -> None:
    """Prepare the database, then hand over to Reflex."""
    prepare()
    port = str(Settings().port)
    command = [sys.executable, "-m", "reflex", "run", "--env", "preview"]
    command += ["--frontend-port", port, "--backend-port", port]
    command += ["--backend-host", Settings().host]
    os.chdir(ROOT)
    os.execve(sys.executable, command, toolchain_environment())  # noqa: S606  (our own command)


if __name__ == "__main__":
    exit_in_one_line(main)
