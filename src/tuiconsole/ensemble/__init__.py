"""The ensemble: many opinions become one, weighted by what each has been worth.

In come the agents' forecasts as arrays ``[n_agents, n_symbols]`` (expected log-return over each agent's
horizon, its standard deviation, NaN for no opinion) and the prices that came true. Out go realised errors,
each agent's skill, slope and weight ``[n_agents]``, and one blended distribution ``[n_symbols]``. State is an
explicit value; nothing is changed in place.
"""
