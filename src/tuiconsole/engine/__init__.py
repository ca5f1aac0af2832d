"""The engine: one desk, the pipeline that decides, and the shells that drive them.

In come events (bars, fills, order updates, commands), prices and money in scaled integers. Out go effects
(journal records, decisions to take, orders to submit or cancel) and, for consoles, snapshots in currency
units and fractions.
"""
