"""Vendors of market data behind one contract: symbols and a range in, the store's columns or a named fault out.

What enters: house symbols, an interval in seconds, a half-open range in ns UTC. What leaves:
:class:`~tuiconsole.market.providers.contract.Answer` with Arrow tables (prices raw, bars stamped at their end,
ns UTC) and one :class:`~tuiconsole.market.providers.contract.Fault` for each symbol that got nothing. A vendor's
trouble is a value, never an exception; no key ever appears in a fault, a log line or a file of ours.
"""
