"""Start everything on this machine: database, demo data, front end, server. See ``make run``."""

import subprocess
import sys

from payments_app.cli.bootstrap import STEPS_OF_RUN, Failure, Step, check_port
from payments_app.cli.build import ROOT, ensure_built
from payments_app.cli.serve import exit_in_one_line, serve
from payments_app.settings import Settings


def _run(*module: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", *module],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if result.returncode != 0:
        print(result.stdout, file=sys.stderr)
        raise Failure(f"python -m {module[0]} ended with exit code {result.returncode}")


def prepare() -> None:
    """Migrate the database and fill in the demo data; both do nothing when nothing is missing."""
    check_port(Settings().port)
    with Step(3, STEPS_OF_RUN, "Database"):
        _run("alembic", "upgrade", "head")
    with Step(4, STEPS_OF_RUN, "Demo data"):
        _run("payments_app.cli.demo")


def _show_logins() -> None:
    from payments_app.cli.demo import DEMO_LOGINS

    print(f"\nThe portal is ready: {Settings().public_url}\n")
    for login in DEMO_LOGINS:
        print(f"  {login.role:<10} {login.email:<32} {login.password}")
    print("\nCtrl-C stops it.", flush=True)


def main() -> None:
    """Run every step in order, then serve until interrupted."""
    prepare()
    with Step(5, STEPS_OF_RUN, "Front end"):
        ensure_built()
    server = Step(6, STEPS_OF_RUN, "Server").start()

    def announce() -> None:
        server.finish(succeeded=True)
        _show_logins()

    serve(on_ready=announce)


if __name__ == "__main__":
    exit_in_one_line(main)
