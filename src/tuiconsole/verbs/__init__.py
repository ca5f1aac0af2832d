"""What the verbs of the command line do; ``cli.py`` only names them and their options.

Enters: a :class:`~tuiconsole.verbs.common.Place` (configuration, state file, feed). Leaves: one JSON-ready object per verb with
stable keys, and its rendering for people.
"""
