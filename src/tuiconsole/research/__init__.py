"""Research on history: backtests as values, sweeps over parameters, validation, and checks for bias.

Enters: settings, a tape, a policy. Leaves: results of whole runs of the desk, each with its sample (in or out), its digests and
its place in the count of trials. The desk inside is the one that trades; nothing here decides for itself.
"""
