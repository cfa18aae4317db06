"""Make the virtual environment and install the pinned packages, when they are not there yet.

Runs before anything is installed: standard library only, in syntax that Python 3.6 still reads, so
that a Python which is too old is told so in one line. ``bootstrap.py run`` prepares what the portal
needs, ``bootstrap.py dev`` also what its tests and checks need.
"""

import hashlib
import os
import re
import socket
import subprocess
import sys
import time
from typing import List, Tuple

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
REQUIREMENTS = {"run": "requirements.txt", "dev": "requirements-dev.txt"}
STEPS_OF_RUN = 6
STEPS_OF_BOOTSTRAP = 2

_OLDEST_PYTHON = (3, 11)
_CAUSES = (
    (
        r"No space left on device",
        "the disk is full",
    ),
    (
        r"DO NOT MATCH THE HASHES",
        "a package is not the one that was pinned: its hash differs",
    ),
    (
        r"Retrying \(|Connection ?Error|Max retries|ProxyError|Could not fetch URL",
        "the package registry cannot be reached (see: pip config list)",
    ),
    (
        r"Failed building wheel|Failed to build|unable to execute|command '\S+' failed",
        "a package has no wheel for this Python and system, and building it needs a C compiler "
        "(on Debian: apt-get install build-essential python3-dev)",
    ),
)


class Failure(Exception):
    """Something that the user has to put right; its text is the one line to show."""


class Step:
    """One numbered line of progress: ``[2/6] Packages ... 31.2 s``."""

    def __init__(self, number: int, total: int, title: str) -> None:
        self.line = "[%d/%d] %s ..." % (number, total, title)

    def start(self) -> "Step":
        """Show the step as begun."""
        self.started = time.monotonic()
        print(self.line, end="", flush=True)
        return self

    def note(self, text: str) -> None:
        """Show on a terminal what the step is busy with."""
        if sys.stdout.isatty():
            print("\r\033[K%s %s" % (self.line, text[:40]), end="", flush=True)

    def finish(self, succeeded: bool) -> None:
        """Show how the step ended and the seconds it took."""
        if sys.stdout.isatty():
            print("\r\033[K" + self.line, end="")
        elapsed = time.monotonic() - self.started
        print(" %.1f s" % elapsed if succeeded else " failed", flush=True)

    def __enter__(self) -> "Step":
        return self.start()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.finish(kind is None)


def wanted_port() -> int:
    """Port of the portal: from the environment, else from .env, else 3000."""
    text = os.environ.get("PORT", "")
    dotenv = os.path.join(ROOT, ".env")
    if not text and os.path.exists(dotenv):
        with open(dotenv, encoding="utf-8") as lines:
            text = "".join(re.findall(r"(?m)^PORT=\W*(\d+)", lines.read()))
    if not re.match(r"^\d{0,5}$", text):
        raise Failure("PORT must be a number, this is %r" % text)
    return int(text or 3000)


def check_port(port: int) -> None:
    """Raise `Failure` when something already listens on `port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            reason = "port %d cannot be used (%s); choose another: PORT=8080 make run"
            raise Failure(reason % (port, error.strerror)) from None


def check_machine() -> None:
    """Raise `Failure` when this Python is too old or the project cannot be written to."""
    if sys.version_info < _OLDEST_PYTHON:
        this = ".".join(map(str, sys.version_info[:3]))
        raise Failure("Python 3.11 or newer is needed, this is %s" % this)
    if not os.access(ROOT, os.W_OK):
        raise Failure("no permission to write to %s" % ROOT)


def ensure_venv() -> None:
    """Make the virtual environment, anew if it does not work any more."""
    if os.path.exists(VENV_PYTHON):
        answer = subprocess.call([VENV_PYTHON, "-c", "import pip"], stderr=subprocess.DEVNULL)
        if answer == 0:
            return
    making = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", VENV],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if making.returncode != 0:
        lines = making.stdout.decode(errors="replace").strip().splitlines() or ["no output"]
        hint = (
            ""
            if "ensurepip" not in " ".join(lines)
            else " (on Debian: apt-get install python3-venv)"
        )
        raise Failure("no virtual environment could be made%s: %s" % (hint, lines[-1]))


def _stamp(group: str) -> Tuple[str, str]:
    """File that says what was installed for `group`, and what it says when nothing changed."""
    state = hashlib.sha256()
    for name in [REQUIREMENTS[g] for g in sorted({"run", group})]:
        with open(os.path.join(ROOT, name), "rb") as file:
            state.update(file.read())
    return os.path.join(VENV, "installed-" + group), state.hexdigest()


def _is_installed(group: str) -> bool:
    path, digest = _stamp(group)
    if not os.path.exists(path):
        return False
    with open(path) as file:
        return file.read() == digest


def _follow(command: List[str], step: Step) -> Tuple[List[str], int]:
    """Output and exit code of `command`, whose progress is noted beside `step`."""
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for raw in process.stdout or ():
            lines.append(raw.decode(errors="replace").rstrip())
            words = lines[-1].split()
            if words and words[0] in ("Collecting", "Downloading", "Building", "Installing"):
                step.note(" ".join(words[:2]))
    return lines, process.returncode


def explain(lines: List[str]) -> str:
    """Why pip failed, in one line, from its output."""
    output = "\n".join(lines)
    for pattern, cause in _CAUSES:
        if re.search(pattern, output):
            return cause
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["pip gave no reason"])[-1]


def ensure_packages(group: str, step: Step) -> None:
    """Install the pinned packages of `group` unless exactly these are installed already."""
    if _is_installed(group):
        return
    command = [VENV_PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar", "off", "--require-hashes"]
    command += ["--requirement", os.path.join(ROOT, REQUIREMENTS[group])]
    lines, exit_code = _follow(command, step)
    if exit_code != 0:
        log = os.path.join(VENV, "pip.log")
        with open(log, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
        raise Failure(
            "packages not installed: %s; all of pip's output is in %s" % (explain(lines), log)
        )
    for done in {"run", group}:
        path, digest = _stamp(done)
        with open(path, "w") as file:
            file.write(digest)


def main(group: str) -> None:
    """Prepare the project for `group`: "run" or "dev"."""
    check_machine()
    if group == "run":
        check_port(wanted_port())
    total = STEPS_OF_RUN if group == "run" else STEPS_OF_BOOTSTRAP
    with Step(1, total, "Virtual environment"):
        ensure_venv()
    with Step(2, total, "Packages") as step:
        ensure_packages(group, step)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except (Failure, OSError) as error:
        sys.exit("Cannot start: %s" % error)
    except KeyboardInterrupt:
        sys.exit(130)
