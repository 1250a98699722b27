"""Throughput of the whole service by number of workers, undisturbed and with workers that are killed at random."""
