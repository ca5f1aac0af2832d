"""Files of bars as people have them: what enters is a path, what leaves are rows for the history store.

Layouts are recognised by their column names: long tables, one file per symbol, the CSV files of Yahoo, Alpaca, Alpha Vantage
and Stooq, and wide tables of closes. Times become ns UTC at the end of the bar; how they were read is recorded.
"""
