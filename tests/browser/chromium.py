"""Find a Chromium for the browser tests, or install one: ``python -m tests.browser.chromium``."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

_PLAYWRIGHTS_OWN = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "TcpPortRandomizationWin",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
)
"""What Playwright switches off: Chromium heeds only the last list that it is given."""

_ADDRESS_BAR = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup")
"""Pages of Chromium's own, in a process of its own for each window, although nobody sees them: most
of a second of processor time."""

FLAGS = [
    f"--disable-features={','.join((*_PLAYWRIGHTS_OWN, *_ADDRESS_BAR))}",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Chromium's own sandbox does not work for root.
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_INSTALL_TIMEOUT_SECONDS = 300


def works(executable: str | None) -> bool:
    """Whether this program exists and starts on this machine."""
    if executable is None or not Path(executable).exists():
        return False
    answer = subprocess.run([executable, "--version"], capture_output=True, check=False)
    return answer.returncode == 0


def find(playwrights_own: str) -> str | None:
    """The Chromium on PATH, else Playwright's own where it was downloaded, else None."""
    candidates = [*map(shutil.which, _NAMES), playwrights_own]
    return next((candidate for candidate in candidates if works(candidate)), None)


def _try(*command: str) -> None:
    try:
        subprocess.run(command, capture_output=True, timeout=_INSTALL_TIMEOUT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"{command[0]}: {error}", file=sys.stderr)


def main() -> None:
    """Say which Chromium the tests use, after installing one where there is none."""
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    if find(own) is None:
        _try(sys.executable, "-m", "playwright", "install", "chromium")
    if find(own) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _try("apt-get", "update")
        _try("apt-get", "install", "--yes", "--no-install-recommends", "chromium")
    found = find(own)
    print(f"Chromium: {found}" if found else "Chromium: none found, the browser tests are skipped")
    if found is None and os.environ.get("CI") == "true":
        sys.exit("CI=true: the browser tests must run")


if __name__ == "__main__":
    main()
