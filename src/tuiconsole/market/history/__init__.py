"""The history store: bars of any length in Parquet, raw as they came, adjusted when they are read.

What enters: Arrow tables of bars (``ts`` ns UTC at the end of the bar, ``symbol``, ``open, high, low, close``
in currency units, ``volume`` in shares; NaN means "not known") with a :class:`Provenance
<tuiconsole.market.history.records.Provenance>`, and corporate actions. What leaves: tapes, coverage, findings
about the data, and answers to SQL. The state of the store is one manifest; a write changes it by one rename.
"""
