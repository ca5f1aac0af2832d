"""The house rules, proven: imports, bans, shape, and the set-up that ``make`` does."""
