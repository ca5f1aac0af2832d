"""Measurements against budgets, and a soak; run by ``make bench`` and ``make soak``."""
