"""What crosses the socket between engine and clients: requests, answers and snapshots, as msgspec structs.

Numbers here are for eyes and scripts: float64 in currency units, derived by the engine from exact values. Clients never
compute money. Every message is MessagePack behind a four-byte big-endian length.
"""
