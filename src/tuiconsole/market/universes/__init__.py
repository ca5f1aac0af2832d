"""Lists of symbols: files that users edit, lists that come with the program, and instruments made of their rows.

In: CSV files, one row a symbol (or one row a stretch of membership). Out: :class:`~.lists.SymbolList`, instruments
with asset class, sector, currency and exchange calendar, and membership as a mask over bars. Times in days since 1970.
"""
