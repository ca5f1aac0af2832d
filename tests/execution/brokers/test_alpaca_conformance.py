"""The real client against a local Alpaca keeps the contract that every broker keeps."""

import pytest

from tests.execution.brokers.alpaca_server import alpaca
from tests.execution.brokers.rig import Patient
from tests.execution.conformance import BrokerConformance

pytest.importorskip("alpaca", reason="needs the extra: tuiconsole[feeds]")


class TestAlpacaConformance(BrokerConformance):
    fills_at_its_own_price = True

    @pytest.fixture(autouse=True)
    def _server(self):
        with alpaca() as server:
            self.server = server
            self.made = []
            yield
            for one in self.made:
                one.broker.close(0.4)

    def make(self):
        self.made.append(Patient(self.server))
        return self.made[-1]

    def trade(self, broker):
        return broker.trade()
