"""The market as the desk sees it: tapes in, screened bars and a panel of history out.

What enters: the packaged history, or one CSV or Parquet file. What leaves:
:class:`~tuiconsole.domain.market.Bars` at their time of availability (ns UTC),
:class:`~tuiconsole.domain.market.ScreenedBars` with a verdict per symbol, and views of past bars ``[length,
n_symbols]``. Prices are float64 in currency units, volume in shares; NaN means "not known", never zero.
"""
