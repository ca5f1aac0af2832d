"""Agents: one file each, one contract, answering for every symbol at once.

In comes an :class:`~tuiconsole.agents.contract.AgentView`: rows of the feature catalogue ``[n_symbols]``, the
regime's probabilities, prices in currency units, and the agent's own realised errors. Out goes a
:class:`~tuiconsole.domain.forecast.Forecast`: expected log-return over the agent's horizon (in bars), its
standard deviation, NaN where the agent has no opinion. ``registry`` knows them by name and imports them when
they are asked for.
"""
