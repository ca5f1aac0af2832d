"""Feature banks: what the bars of the panel say, as numbers for every symbol.

What enters: the panel (closes, and ranges where the source has them). What leaves: ``FeatureSet.values``,
float64 ``[n_features, n_symbols]`` in the order of the names asked for; NaN until warm and wherever the
price was missing.

Units: returns are natural logarithms, volatilities are annualised fractions (0.2 = 20 % a year), prices are
currency units, oscillators have the scale of their books (RSI 0 to 100). The catalogue names every unit.
"""
