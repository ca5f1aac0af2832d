"""Small programs that keep the house rules; ``make check`` and ``tests/architecture`` run them."""
