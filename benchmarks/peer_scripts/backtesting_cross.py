"""Crossing averages in backtesting.py, one symbol: ``python backtesting_cross.py DATA.npz FAST SLOW``."""

import json
import sys
import time

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy

data = np.load(sys.argv[1])
FAST, SLOW = int(sys.argv[2]), int(sys.argv[3])
close, size = data["close"][:, 0], int(data["size"][0])


def average(values, period):
    return pd.Series(values).rolling(period).mean()


class Cross(Strategy):
    """Long a fixed number of shares while the fast average is above the slow one."""

    def init(self):
        self.fast = self.I(average, self.data.Close, FAST)
        self.slow = self.I(average, self.data.Close, SLOW)
        self.is_long = False

    def next(self):
        long = self.fast[-1] > self.slow[-1]
        if long != self.is_long:
            self.is_long = long
            if long:
                self.buy(size=size)
            else:
                self.position.close()


frame = pd.DataFrame(
    {**dict.fromkeys(("Open", "High", "Low", "Close"), close), "Volume": 1e7},
    index=pd.to_datetime(data["ts"]),
)
test = Backtest(frame, Cross, cash=1_000_000, commission=0.0001, finalize_trades=False)
began = time.process_time()
stats = test.run()
seconds = time.process_time() - began
trades = len(stats._trades) * 2 + len(stats._strategy.trades)
print(json.dumps({"seconds": seconds, "fills": trades, "equity": float(stats["Equity Final [$]"])}))
