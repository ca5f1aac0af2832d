"""A terminal trading desk for one trader.

The package is a house of rooms, each a subpackage with its own vocabulary; ``docs/architecture.md`` is the
map. Nothing is imported here, so that importing one room never drags in another.
"""

__version__ = "0.1.0"
