"""Execution: from target positions to orders, and from orders to fills.

What enters: target and held positions (int64 scaled quantities ``[n_symbols]``), batches the risk gate
approved, screened bars. What leaves: wanted orders without numbers, order states, execution reports and
fills; prices and quantities as scaled integers, fees and costs as integers in ``10**-MONEY_DECIMALS`` of the
currency. Times are int ns UTC.
"""
