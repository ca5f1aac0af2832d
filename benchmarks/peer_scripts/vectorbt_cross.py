"""Crossing averages in vectorbt: ``python vectorbt_cross.py DATA.npz FAST SLOW``; compiled before the clock starts."""

import json
import sys
import time

import numpy as np
import pandas as pd
import vectorbt as vbt

data = np.load(sys.argv[1])
FAST, SLOW = int(sys.argv[2]), int(sys.argv[3])
close = pd.DataFrame(data["close"], index=pd.to_datetime(data["ts"]))
size = data["size"].astype(float)


def run(prices):
    fast = vbt.MA.run(prices, FAST).ma.to_numpy()
    slow = vbt.MA.run(prices, SLOW).ma.to_numpy()
    long = fast > slow
    before = np.vstack((np.zeros((1, long.shape[1]), dtype=bool), long[:-1]))
    entries, exits = long & ~before, ~long & before
    # filled at the next bar, as everywhere else in this comparison
    entries, exits = (np.vstack((np.zeros((1, long.shape[1]), bool), a[:-1])) for a in (entries, exits))
    return vbt.Portfolio.from_signals(
        prices,
        pd.DataFrame(entries, index=prices.index),
        pd.DataFrame(exits, index=prices.index),
        size=np.broadcast_to(size, prices.shape),
        fees=0.0001,
        init_cash=1_000_000.0,
        cash_sharing=True,
        group_by=True,
    )


warm = run(close)
int(warm.orders.count()), float(warm.value().iloc[-1])
began = time.process_time()
portfolio = run(close)
fills = int(portfolio.orders.count())
equity = float(portfolio.value().iloc[-1])
seconds = time.process_time() - began
print(json.dumps({"seconds": seconds, "fills": fills, "equity": equity}))
