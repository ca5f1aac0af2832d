"""Measurements against budgets; run by ``make bench``."""
