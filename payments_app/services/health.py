"""How the gateways answer, as this process has seen it since it started."""

from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil

from payments_app.gateways.circuit import CircuitState, Minute
from payments_app.services.context import Portal


@dataclass(frozen=True, slots=True)
class GatewayHealth:
    """One gateway's answers.

    ``retry_in`` is how many whole seconds an open circuit still refuses calls. ``minutes`` are the
    last 60 in which there were calls, oldest first; the newest still grows.
    """

    code: str
    label: str
    state: CircuitState
    retry_in: int
    last_success_at: datetime | None
    last_fault_at: datetime | None
    last_fault: str
    minutes: tuple[Minute, ...]


def gateway_health(portal: Portal) -> tuple[GatewayHealth, ...]:
    """Return how each gateway answers, in the order customers see them."""
    return tuple(
        GatewayHealth(
            code=gateway.code,
            label=gateway.label,
            state=circuit.state,
            retry_in=ceil(circuit.seconds_to_retry),
            last_success_at=circuit.last_success_at,
            last_fault_at=circuit.last_fault_at,
            last_fault=circuit.last_fault,
            minutes=tuple(replace(minute) for minute in circuit.minutes),
        )
        for gateway in portal.gateways.values()
        for circuit in [gateway.client.circuit]
    )
