"""Brokers elsewhere, one file each. Approved orders enter in scaled integers; reports and fills of a venue leave."""
