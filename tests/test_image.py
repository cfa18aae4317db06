"""The image's own commands, run by hand: those of its last stage, compose's migration, its end.

Packages are those that are installed, and the front end is the one that is built already: the copy
finds it only when its files are all that a build is made from.
"""

import asyncio
import json
import os
import re
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from payments_app.cli.build import ensure_built
from payments_app.cli.serve import wait_until_ready
from tests.support.databases import Postgres
from tests.support.redis import RedisServer
from tests.support.sandbox import free_port
from tests.test_project import ROOT, tracked

STAGES = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").split("\nFROM ")
SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
PORTAL, MIGRATE = SERVICES["portal"], SERVICES["migrate"]
GATEWAY = {
    "STRIPE_SECRET_KEY": "sk_live_1",
    "STRIPE_PUBLISHABLE_KEY": "pk_live_1",
    "STRIPE_WEBHOOK_SECRET": "whsec_1",
    "STRIPE_API_BASE": "http://127.0.0.1:9",
}


def command(instruction: str) -> list[str]:
    """Return what an instruction of the last stage runs, in its exec form."""
    (found,) = re.findall(rf"(?m)^{instruction} (\[.*\])$", STAGES[-1])
    return list(json.loads(found))


@dataclass
class Image:
    """A folder that holds what the image does, and the environment that compose gives it."""

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, as it stands in the files."""
        return subprocess.run(
            arguments, cwd=self.folder, env=self.environment, capture_output=True, text=True
        )

    def is_healthy(self) -> bool:
        """What the image's health check says."""
        own = f"127.0.0.1:{self.environment['PORT']}/"
        check = [part.replace("127.0.0.1:3000/", own) for part in command("HEALTHCHECK .* CMD")]
        return self.run(*check).returncode == 0


def compose_environment(known: dict[str, str]) -> dict[str, str]:
    """Fill compose's variables in as compose does: known ones, then defaults."""

    def value(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        return known.get(name) or default.removeprefix(":-")

    return {
        name: re.sub(r"\$\{(\w+)(:[-?][^}]*)\}", value, str(text))
        for name, text in PORTAL["environment"].items()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``COPY . .`` copies, with the virtual environment and what the build step made."""
    folder = tmp_path_factory.mktemp("image") / "app"
    left_out = (ROOT / ".dockerignore").read_text().split()
    for path in tracked():
        name = path.relative_to(ROOT)
        if name.parts[0] not in left_out:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, folder / name)
    (folder / ".venv").symlink_to((ROOT / ".venv").resolve())
    shutil.copytree(ensure_built(), folder / ".build" / ensure_built().name)
    return folder


@pytest.fixture
def image(folder: Path, postgres: Postgres, redis: RedisServer) -> Image:
    known = {"PORTAL_DOMAIN": "pay.example.com", "WORKERS": "1", "METRICS_TOKEN": "x" * 20}
    known["SECRET_KEYS"] = secrets.token_urlsafe(32)
    environment = compose_environment(known) | GATEWAY
    environment |= {"DATABASE_URL": postgres.empty(), "REDIS_URL": redis.url}
    environment |= {"PORT": str(free_port()), "HOST": "127.0.0.1"}
    environment["PATH"] = f"{folder / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
    return Image(folder, environment)


def test_the_build_step_finds_all_its_sources_in_the_copy(folder: Path) -> None:
    (build,) = re.findall(r"(?m)^RUN (\.venv/bin/python -m payments_app\.cli\.build)$", STAGES[-2])
    answer = subprocess.run(build.split(), cwd=folder, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == f".build/{ensure_built().name}"


async def test_after_the_migration_a_replica_gets_healthy_and_ends_on_sigterm(
    image: Image,
) -> None:
    serve = command("CMD")
    assert serve == PORTAL["command"]
    migrated = image.run(*MIGRATE["command"])
    assert migrated.returncode == 0, migrated.stderr
    assert not image.is_healthy()
    process = subprocess.Popen(
        serve, cwd=image.folder, env=image.environment, stderr=subprocess.PIPE, text=True
    )
    try:
        port = int(image.environment["PORT"])
        assert await asyncio.to_thread(wait_until_ready, port, lambda: process.poll() is None)
        assert image.is_healthy()
    finally:
        process.terminate()
        _, log = await asyncio.to_thread(process.communicate, timeout=30)
    assert (process.returncode, "Traceback" in log) == (0, False), log
