"""Execution algorithms: when to trade how much of a parent order.

What enters: a parent's signed scaled quantity, a horizon in bars, volumes in shares, volatilities. What leaves:
schedules (float shares of the whole, or scaled integers that add up exactly), and each bar's slice of every parent.
Pure functions and plain state; no I/O, no clock. Children go through the risk gate like any order.
"""
