"""How the gateways answer, for staff."""

import pytest

from payments_app.gateways.circuit import FAULTS_TO_OPEN, CircuitState
from payments_app.gateways.errors import GatewayUnavailable
from payments_app.services.health import gateway_health
from tests.services.conftest import Shop


async def test_it_tells_of_success_fault_and_an_open_circuit(shop: Shop) -> None:
    circuit = shop.till.client.circuit
    async with circuit.call():
        pass
    for _ in range(FAULTS_TO_OPEN):
        with pytest.raises(GatewayUnavailable):
            async with circuit.call():
                raise GatewayUnavailable("till answered 500")
    (health,) = gateway_health(shop.portal)
    assert (health.code, health.label, health.state) == ("till", "Till", CircuitState.OPEN)
    assert health.last_fault == "till answered 500"
    assert health.last_success_at is not None
    assert health.last_fault_at is not None
    assert 0 < health.retry_in <= 5
    counted = [(minute.calls, minute.faults) for minute in health.minutes]
    assert (sum(c for c, _ in counted), sum(f for _, f in counted)) == (6, 5)
