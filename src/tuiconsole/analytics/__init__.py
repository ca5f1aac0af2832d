"""Pure functions over results: performance measures.

Enters: simple returns per bar (float64 ``[n_bars]``), equity in currency units. Leaves: float64 figures;
fractions, not percent; annual where the name says so.
"""
