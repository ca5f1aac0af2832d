"""The Textual console: a client of the engine that shows snapshots and sends requests.

What enters: :class:`~tuiconsole.protocol.snapshot.Snapshot` frames from the engine's socket, keys from the trader, theme
files. What leaves: requests of :mod:`tuiconsole.protocol.frames`, escape sequences to the terminal. Units are those of the
snapshot (currency units, fractions, log-returns); this room formats numbers and computes none.
"""
