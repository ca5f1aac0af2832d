"""``state.db``: the journal, its projections, recovery, audit and ``why``.

What enters: journal records (:mod:`tuiconsole.domain.records`) and checkpoints of the desk's state. What
leaves: durable, hash-chained rows; tables of orders, fills, positions and equity derived from them; the chain
of reasons behind an order; a verdict on whether anything was tampered with.

Units: rows count from 1; times are ns UTC; prices, quantities and money are scaled integers in every table
and become ``Decimal`` or float only in ``readers`` and ``explain``. Nothing opens ``state.db``, its ``-wal``
or its ``-shm`` except through SQLite: a plain ``open()`` in the same process would drop SQLite's locks.
"""
