"""Live markets: feeds that yield closed bars, the schedule they follow, their order, and the tape they are recorded on.

Enters: answers of data services over the network. Leaves: closed bars of a whole universe, available at their end (ns UTC,
prices in currency units), and what became of the feeds as :class:`~tuiconsole.domain.events.FeedStatus`.
"""
