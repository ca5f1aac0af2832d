"""Crossing averages in backtrader, in its own environment: ``python backtrader_cross.py DATA.npz FAST SLOW``."""

import json
import sys
import time

import backtrader as bt
import numpy as np
import pandas as pd

data = np.load(sys.argv[1])
FAST, SLOW = int(sys.argv[2]), int(sys.argv[3])
close, size = data["close"], data["size"]


class Cross(bt.Strategy):
    """Long a fixed number of shares while the fast average is above the slow one."""

    fills = 0

    def __init__(self):
        self.fast = [bt.ind.SMA(d, period=FAST) for d in self.datas]
        self.slow = [bt.ind.SMA(d, period=SLOW) for d in self.datas]
        self.long = [False] * len(self.datas)

    def next(self):
        for i, line in enumerate(self.datas):
            long = self.fast[i][0] > self.slow[i][0]
            if long != self.long[i]:
                self.long[i] = long
                order = self.buy if long else self.sell
                order(data=line, size=int(size[i]))

    def notify_order(self, order):
        Cross.fills += order.status == order.Completed


cerebro = bt.Cerebro(stdstats=False)
cerebro.addstrategy(Cross)
cerebro.broker.setcash(1_000_000.0)
cerebro.broker.setcommission(commission=0.0001)
index = pd.to_datetime(data["ts"])
for i in range(close.shape[1]):
    columns = dict.fromkeys(("open", "high", "low", "close"), close[:, i])
    cerebro.adddata(bt.feeds.PandasData(dataname=pd.DataFrame({**columns, "volume": 1e7}, index=index)))
began = time.process_time()
cerebro.run()
seconds = time.process_time() - began
print(json.dumps({"seconds": seconds, "fills": Cross.fills, "equity": cerebro.broker.getvalue()}))
