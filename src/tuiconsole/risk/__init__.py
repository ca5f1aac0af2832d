"""The only door to a broker, and what shuts it: gate, breakers, latch, limits.

Enters: order batches (scaled integers), the book they are judged against, equity per bar (money). Leaves:
verdicts and ``ApprovedOrders`` (which only the gate can make), breaker trips, the latch's level, limit rows
(fractions of equity, or currency units).
"""
