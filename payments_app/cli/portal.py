"""The portal's command line: ``python -m payments_app.cli.portal --help``.

Every command reads the portal's settings from the environment and takes ``--json`` for answers that
programs read. What it changes stands in the audit log under the name of the system's user.
"""

import asyncio
import getpass
import json
import secrets
import sys
from collections.abc import Callable, Coroutine
from contextlib import redirect_stdout
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from alembic import command
from alembic.config import Config
from pydantic import ValidationError

from payments_app import wiring
from payments_app.cli import demo as demo_data
from payments_app.cli import restore as restoring
from payments_app.cli.backup import BackupFailed, back_up
from payments_app.cli.build import ROOT
from payments_app.cli.catch_up import bring_up_to_date
from payments_app.cli.day import compare_day
from payments_app.cli.export import export_account
from payments_app.cli.personal import write_personal_data
from payments_app.cli.progress import bar
from payments_app.cli.replay import replay
from payments_app.cli.rotation import OWN_KEYS, rolling_secret
from payments_app.cli.serve import exit_in_one_line
from payments_app.cli.verify import verify, verify_audit
from payments_app.db import revisions
from payments_app.domain.errors import PortalError
from payments_app.domain.payment import Role
from payments_app.services import directory, logs, personal_data, users
from payments_app.services.context import Portal
from payments_app.services.directory import NewAccount
from payments_app.services.identity import Identity
from payments_app.services.users import NewUser
from payments_app.settings import Settings

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Run the payments portal.")
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def operator() -> Identity:
    """Return who acts on the command line: whoever has a shell here may do everything."""
    return Identity(
        user_id=0,
        session_id=0,
        email=f"{getpass.getuser()} on the command line",
        name="Command line",
        role=Role.OWNER,
        time_zone="UTC",
        locale="en",
    )


def _with_portal(work: Callable[[Portal], Coroutine[Any, Any, T]]) -> T:
    async def run() -> T:
        portal = wiring.build_portal(Settings())
        try:
            return await work(portal)
        finally:
            await portal.close()

    try:
        return asyncio.run(run())
    except (PortalError, ValidationError) as error:
        sys.exit(f"Refused: {error}")


def _answer(as_json: bool, text: str, **facts: object) -> None:
    print(json.dumps(facts) if as_json else text)


@app.command()
def migrate(as_json: AsJson = False) -> None:
    """Bring the database to this version; does nothing when it is there already."""
    command.upgrade(Config(ROOT / "alembic.ini"), "head")
    _answer(as_json, f"The database is at {revisions.newest()}.", revision=revisions.newest())


@app.command()
def create_staff(
    email: str,
    name: Annotated[str, typer.Option(help="The person's name.")],
    role: Annotated[Role, typer.Option(help="viewer, finance or owner.")] = Role.OWNER,
    as_json: AsJson = False,
) -> None:
    """Invite a member of staff; prints the link that was e-mailed too."""
    new = _read(lambda: NewUser(email=email, name=name))
    link = _with_portal(lambda portal: users.add(portal, operator(), new, role, None, ""))
    _answer(as_json, f"{email} chooses a password at {link}", email=email, link=link)


@app.command()
def create_account(
    name: str,
    currency: Annotated[str, typer.Option(help="Home currency, such as USD.")],
    email: Annotated[str, typer.Option(help="Invite this person as its first customer.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make an account, and invite its first customer."""
    new = _read(lambda: NewAccount(name=name, home_currency=currency))
    customer = _read(lambda: NewUser(email=email, name=email)) if email else None

    async def make(portal: Portal) -> tuple[int, str]:
        number = await directory.create(portal, operator(), new, "")
        if customer is None:
            return number, ""
        return number, await users.add(portal, operator(), customer, Role.CUSTOMER, number, "")

    number, link = _with_portal(make)
    invited = f"; {email} chooses a password at {link}" if link else ""
    _answer(as_json, f"Account {number} is made{invited}", account=number, link=link)


@app.command()
def check(as_json: AsJson = False) -> None:
    """Prove every balance against its rows, and the audit log against its chain."""

    async def prove(portal: Portal) -> list[str]:
        return [*await verify(portal.db), *await verify_audit(portal.db, None)]

    wrong = _with_portal(prove)
    _answer(as_json, "\n".join(wrong) or "The books and the audit log agree.", wrong=wrong)
    raise typer.Exit(1 if wrong else 0)


@app.command()
def export(account: int, file: Path, as_json: AsJson = False) -> None:
    """Write all payments of an account into a CSV file."""
    written = _with_portal(lambda portal: export_account(portal, account, file, quiet=as_json))
    _answer(as_json, f"{written:,} payments are in {file}", payments=written, file=str(file))


@app.command("personal-data")
def export_personal_data(account: int, file: Path, as_json: AsJson = False) -> None:
    """Write all that is kept about an account's people into a JSON file."""
    file.touch(mode=0o600)  # Nobody else on this machine may read it.
    _with_portal(lambda portal: write_personal_data(portal, operator(), account, file))
    _answer(as_json, f"What is kept about account {account} is in {file}", file=str(file))


@app.command()
def erase(
    account: int,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase the personal data of an account for good; its payments and balances stay."""
    if not yes:
        typer.confirm(f"Erase all personal data of account {account} for good?", abort=True)
    _with_portal(lambda portal: personal_data.erase(portal, operator(), account, ""))
    _answer(as_json, f"The personal data of account {account} is erased.", account=account)


@app.command()
def reconcile(
    day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="The UTC day.")],
    gateway: Annotated[str, typer.Option(help="Compare at this one only, by its code.")] = "",
    as_json: AsJson = False,
) -> None:
    """Compare the gateways' payments of a day with the books, and keep the results.

    Ends with 1 when there is a difference, or when a gateway did not answer.
    """
    compared = _with_portal(
        lambda portal: compare_day(portal, operator(), day.date(), gateway or None, quiet=as_json)
    )
    lines = [
        f"{one.gateway}: {one.payments:,} payments, {one.differences} differences. {one.failed}"
        for one in compared
    ]
    facts = [asdict(one) for one in compared]
    _answer(as_json, "\n".join(lines), day=day.date().isoformat(), gateways=facts)
    raise typer.Exit(1 if any(one.failed or one.differences for one in compared) else 0)


@app.command()
def replay_events(
    number: Annotated[
        int | None, typer.Argument(help="One webhook; all unhandled if none.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Handle webhooks again; what was done before is not repeated."""
    count = _with_portal(lambda portal: replay(portal, operator(), number, quiet=as_json))
    _answer(as_json, f"{count:,} webhooks are handled again.", webhooks=count)


@app.command()
def demo(as_json: AsJson = False) -> None:
    """Write the demo data, unless it is there already; never in live mode."""
    with bar("Demo data", quiet=as_json):
        written = demo_data.write(datetime.now(UTC).date())
    text = "Demo data written." if written else "The demo data is there already."
    _answer(as_json, text, written=written)


@app.command()
def backup(file: Path, as_json: AsJson = False) -> None:
    """Write a copy of the database into a file while the portal runs."""
    with bar("Backup", quiet=as_json):
        back_up(Settings().database_url, file)
    _answer(as_json, f"The database is in {file}", file=str(file))


@app.command()
def restore(
    file: Path,
    replace: Annotated[bool, typer.Option(help="Put it in the place of what is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup back while the portal stands still, migrate it and ask what was paid since.

    Ends with 1 when a gateway did not tell what was paid since.
    """
    with bar("Restore", quiet=as_json):
        restoring.restore(Settings().database_url, file, replace=replace)
        restoring.migrate()
    with redirect_stdout(sys.stderr), bar("Paid since", quiet=as_json):
        unknown = asyncio.run(bring_up_to_date())
    _answer(as_json, f"The database is as it was in {file}", file=str(file), complete=not unknown)
    raise typer.Exit(unknown)


@app.command()
def rotate_secret(variable: str, as_json: AsJson = False) -> None:
    """Print the value that replaces a secret while the old one still counts.

    Secrets come from the environment, which this command cannot change: put the value there,
    restart every process, and take the old part away once nothing uses it. SECRET_KEYS gets a new
    random key; a gateway's new secret is read from standard input.
    """
    old = rolling_secret(variable)
    new = secrets.token_urlsafe(32) if variable == OWN_KEYS else sys.stdin.readline().strip()
    if not new or "," in new:
        sys.exit("Refused: the new secret is empty or has a comma in it")
    value = ",".join([new, *(part for part in old.split(",") if part not in ("", new))])
    _answer(as_json, f"{variable}={value}", variable=variable, value=value)


def _read(make: Callable[[], T]) -> T:
    try:
        return make()
    except ValidationError as error:
        fault = error.errors()[0]
        sys.exit(f"Refused: {fault['loc'][0]}: {fault['msg']}")


def main() -> None:
    """Run the command that the command line names."""
    logs.configure(Settings())
    try:
        app()
    except BackupFailed as failure:
        sys.exit(f"Refused: {failure}")


if __name__ == "__main__":
    exit_in_one_line(main)
