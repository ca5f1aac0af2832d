"""Crossing averages in NautilusTrader: ``python nautilus_cross.py DATA.npz FAST SLOW``."""

import json
import sys
import time
from decimal import Decimal

import numpy as np
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, RiskEngineConfig, StrategyConfig
from nautilus_trader.indicators import SimpleMovingAverage
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TraderId, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

data = np.load(sys.argv[1])
FAST, SLOW = int(sys.argv[2]), int(sys.argv[3])
close, ts, size = data["close"], data["ts"], data["size"]
VENUE = Venue("SIM")


class CrossConfig(StrategyConfig, frozen=True):
    bar_types: tuple[BarType, ...]


class Cross(Strategy):
    """Long a fixed number of shares while the fast average is above the slow one."""

    def __init__(self, config):
        super().__init__(config)
        self.averages = {}
        self.is_long = dict.fromkeys(config.bar_types, False)
        self.fills = 0

    def on_start(self):
        for bar_type in self.config.bar_types:
            fast, slow = SimpleMovingAverage(FAST), SimpleMovingAverage(SLOW)
            self.averages[bar_type] = (fast, slow)
            self.register_indicator_for_bars(bar_type, fast)
            self.register_indicator_for_bars(bar_type, slow)
            self.subscribe_bars(bar_type)

    def on_bar(self, bar):
        fast, slow = self.averages[bar.bar_type]
        if not slow.initialized:
            return
        long = fast.value > slow.value
        if long != self.is_long[bar.bar_type]:
            self.is_long[bar.bar_type] = long
            instrument = bar.bar_type.instrument_id
            side = OrderSide.BUY if long else OrderSide.SELL
            order = self.order_factory.market(instrument, side, SIZES[instrument])
            self.submit_order(order)

    def on_order_filled(self, event):
        self.fills += 1


engine = BacktestEngine(
    BacktestEngineConfig(
        trader_id=TraderId("BENCH-001"),
        logging=LoggingConfig(bypass_logging=True),
        risk_engine=RiskEngineConfig(max_order_submit_rate="100000/00:00:01"),
    )
)
engine.add_venue(VENUE, OmsType.NETTING, AccountType.MARGIN, [Money(1_000_000, USD)], base_currency=USD)
bar_types, SIZES = [], {}
for i in range(close.shape[1]):
    symbol = Symbol(f"S{i:04d}")
    instrument = Equity(
        instrument_id=InstrumentId(symbol, VENUE),
        raw_symbol=symbol,
        currency=USD,
        price_precision=4,
        price_increment=Price(0.0001, 4),
        lot_size=Quantity.from_int(1),
        maker_fee=Decimal("0.0001"),
        taker_fee=Decimal("0.0001"),
        ts_event=0,
        ts_init=0,
    )
    engine.add_instrument(instrument)
    bar_type = BarType.from_str(f"{instrument.id}-1-DAY-LAST-EXTERNAL")
    bar_types.append(bar_type)
    SIZES[instrument.id] = Quantity.from_int(int(size[i]))
    volume = Quantity.from_int(10_000_000)
    bars = []
    for value, at in zip(close[:, i].tolist(), ts.tolist(), strict=True):
        price = Price(value, 4)
        bars.append(Bar(bar_type, price, price, price, price, volume, at, at))
    engine.add_data(bars)
strategy = Cross(CrossConfig(bar_types=tuple(bar_types)))
engine.add_strategy(strategy)
began = time.process_time()
engine.run()
seconds = time.process_time() - began
equity = float(engine.portfolio.account(VENUE).balance_total(USD).as_double())
print(json.dumps({"seconds": seconds, "fills": strategy.fills, "equity": equity}))
