"""Setting up: what is refused in one line, and what is not done twice."""

import io
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from payments_app.cli import bootstrap

SCRIPT = bootstrap.__file__


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project directory in place of this one."""
    monkeypatch.setattr(bootstrap, "ROOT", str(tmp_path))
    monkeypatch.setattr(bootstrap, "VENV", str(tmp_path / ".venv"))
    monkeypatch.setattr(bootstrap, "VENV_PYTHON", str(tmp_path / ".venv/bin/python"))
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text("")
    return tmp_path


def test_an_old_python_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(
        bootstrap.Failure, match=r"Python 3\.11 or newer is needed, this is 3\.9\.2"
    ):
        bootstrap.check_machine()


def test_a_directory_without_write_permission_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(bootstrap.Failure, match="no permission to write to"):
        bootstrap.check_machine()


@pytest.mark.parametrize(
    ("environment", "dotenv", "port"),
    [("", "", 3000), ("8080", "PORT=1\n", 8080), ("", "HOST=x\nPORT=3131\n", 3131)],
)
def test_port_comes_from_the_environment_or_the_file(
    project: Path, monkeypatch: pytest.MonkeyPatch, environment: str, dotenv: str, port: int
) -> None:
    monkeypatch.setenv("PORT", environment)
    (project / ".env").write_text(dotenv)
    assert bootstrap.wanted_port() == port


def test_a_busy_port_is_one_line_and_an_exit_code() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = str(busy.getsockname()[1])
        answer = subprocess.run(
            [sys.executable, SCRIPT, "run"], env={"PORT": port}, capture_output=True, text=True
        )
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1
    assert f"port {port} cannot be used" in answer.stderr


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("WARNING: Retrying (Retry(total=4)) after ...\nERROR: No matching", "cannot be reached"),
        ("error: command '/usr/bin/gcc' failed with exit code 1", "C compiler"),
        ("ERROR: Failed building wheel for argon2", "C compiler"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("noise\nERROR: something new", "ERROR: something new"),
        ("", "no reason"),
    ],
)
def test_why_pip_failed_is_one_line(output: str, cause: str) -> None:
    reason = bootstrap.explain(output.splitlines())
    assert cause in reason
    assert "\n" not in reason


def test_packages_are_installed_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installs: list[str] = []

    def follow(command: list[str], step: bootstrap.Step) -> tuple[list[str], int]:
        installs.append(Path(command[-1]).name)
        return [], 0

    monkeypatch.setattr(bootstrap, "_follow", follow)
    (project / ".venv").mkdir()
    step = bootstrap.Step(2, 2, "Packages")
    bootstrap.ensure_packages("dev", step)
    bootstrap.ensure_packages("dev", step)
    bootstrap.ensure_packages("run", step)
    assert installs == ["requirements-dev.txt"]
    (project / "requirements.txt").write_text("a==1\n")
    bootstrap.ensure_packages("run", step)
    assert installs == ["requirements-dev.txt", "requirements.txt"]


def test_a_failed_installation_is_tried_again(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".venv").mkdir()
    monkeypatch.setattr(bootstrap, "_follow", lambda command, step: (["ERROR: no"], 1))
    for _ in range(2):
        with pytest.raises(bootstrap.Failure, match=r"ERROR: no; all of pip's output is in .*log"):
            bootstrap.ensure_packages("run", bootstrap.Step(2, 6, "Packages"))


def test_a_step_says_how_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stdout", screen)
    with bootstrap.Step(1, 2, "First") as step:
        step.note("only on a terminal")
    with pytest.raises(KeyError), bootstrap.Step(2, 2, "Second"):
        raise KeyError
    assert screen.getvalue() == "[1/2] First ... 0.0 s\n[2/2] Second ... failed\n"
