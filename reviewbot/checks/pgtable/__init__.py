"""The life of a page table: allocated, constructed, installed, destroyed, freed.

Only what the tree itself says is believed: its epoch is read from its headers,
and what a function does to a table is computed from its body.
"""
