"""Order books of exchanges: what enters are the messages of a feed as they came, what leaves are :mod:`domain.books` events.

A book is rebuilt exactly or not at all: sequence numbers and checksums are checked by each exchange's documented rules, and
after a gap a book is broken until its next snapshot. Prices and sizes are integers scaled from the exchange's decimal text,
without a float between.
"""
