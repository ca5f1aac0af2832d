"""Widgets of the console, one per file; all draw themselves line by line from cells made by ``ui.view``."""
