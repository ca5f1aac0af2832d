"""Sizing and the ledger: forecasts become target positions, fills become cash, lots and profit.

Enters: blended forecasts (log-return per horizon), fills and last good prices (scaled integers).
Leaves: target quantities (int64, scaled) and exact money (int64 or int, ``10**-MONEY_DECIMALS`` of the currency).
"""
