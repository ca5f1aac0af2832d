"""Regimes: what kind of market it is, as probabilities.

What enters: the one-bar log-returns of the cross-section, NaN where a symbol has none. What leaves:
``RegimeBank.probabilities``, float64 ``[5]`` named by ``bank.REGIME_NAMES``: volatility low, medium, high
(sum 1) and trend, range (sum 1); the market's volatility as an annualised fraction; and a label in words.
"""
