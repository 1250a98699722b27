"""Whether a finding is recognised in the next version, and whether what was said about it is."""
