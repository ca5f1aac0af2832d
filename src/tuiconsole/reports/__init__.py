"""Reports of finished runs, for a terminal and as one HTML file.

Enters: a :class:`~tuiconsole.reports.run.Run`, money in currency units, times in ns UTC. Leaves: text of a given width, or a
file that needs no network. Every figure is computed from the run; nothing is drawn that the engine did not record.
"""
