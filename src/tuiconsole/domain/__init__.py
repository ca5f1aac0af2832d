"""The vocabulary of the desk: what every room may speak of.

Nothing enters this room. What leaves it: instruments and universes, bars as columns over the symbol axis, forecasts,
orders and their transition table, fills, commands, events, effects, exact money, clocks, ids and random generators.

Units, everywhere in the house
------------------------------
time       int nanoseconds since the Unix epoch, UTC
price      int64 scaled by ``10**instrument.price_decimals`` in orders, fills and ledger; float64 in analytics
quantity   int64 scaled by ``10**instrument.quantity_decimals``; negative means short or sell
money      int scaled by ``10**MONEY_DECIMALS`` of the currency; never a float
return     natural-log return over the stated number of bars
"""
