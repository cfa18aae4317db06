"""What a browser calls itself, in the words of its owner: ``Firefox on Windows``."""

from typing import Final

from payments_app.domain.languages import later
from payments_app.services.catalogues import say

# The order matters: most browsers name those that they descend from as well.
_BROWSERS: Final = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "Chrome": "Chrome",
    "CriOS": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS: Final = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}

UNKNOWN: Final = later("Unknown device")


def device(user_agent: str) -> str:
    """Name browser and system of a User-Agent header, as far as they are known."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS.items() if mark in user_agent), "")
    if browser and system:
        return say("{browser} on {system}", browser=browser, system=system)
    return browser or system or say(UNKNOWN)
